# One image for every process of the service: `migrate`, `serve`, `scheduler`.
# LOCK=dask adds what EXECUTOR=tcp://… needs (such an image runs Dask's workers as well), LOCK=parquet what that format does.

FROM debian:bookworm-slim AS builder
RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils postgresql-client-15 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
ARG LOCK=runtime
COPY requirements/ requirements/
RUN python3 -m venv /opt/technopark-billing \
    && /opt/technopark-billing/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && /opt/technopark-billing/bin/pip install --no-cache-dir --no-build-isolation --require-hashes \
        -r "requirements/$LOCK.txt"
COPY pyproject.toml README.md ./
COPY pricing/ pricing/
COPY ledger/ ledger/
COPY invoices/ invoices/
COPY billing/ billing/
# What installs packages has no business in what runs; nor have tests, sources, symbols for debuggers, and the languages
# nobody is written to in.
RUN /opt/technopark-billing/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
    && /opt/technopark-billing/bin/pip uninstall --yes setuptools pip \
    && cd /opt/technopark-billing/lib/python3*/site-packages \
    && find . -depth -type d -name tests -not -path './billing/*' -exec rm -r {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) -delete \
    && find . -name '*.so*' -not -path '*.libs/*' -exec strip --strip-unneeded {} + \
    && find pyphen/dictionaries -name 'hyph_*' -not -name 'hyph_en*' -not -name 'hyph_fr*' -delete \
    && find babel/locale-data -type f -not -name 'root.dat' -not -name 'ar*' -not -name 'en*' -not -name 'fr*' -delete

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0 libpq5 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -m 0700 -o 10001 -g 10001 /data
COPY --from=builder /opt/technopark-billing /opt/technopark-billing
# `backup` and `restore` need these two; their Debian package would bring all of Perl.
COPY --from=builder /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_restore /usr/lib/postgresql/15/bin/
ENV PATH=/opt/technopark-billing/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache
WORKDIR /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["technopark-billing"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
