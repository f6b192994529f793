"""Webhooks go to public addresses by https; to private ones where a setting allows them, and nowhere else."""

from ipaddress import ip_address, ip_network

import pytest

from billing.audit.webhooks.addresses import Target, may_be_told, origin_of, parse_target
from billing.frame.errors import BadConfiguration, Refused
from billing.frame.settings import load_settings

SAFE, PLAIN = Target(False, "erp.example", 443, "/"), Target(True, "erp.example", 80, "/")
OWN = (ip_network("10.20.0.0/16"),)


@pytest.mark.parametrize("address", ["41.140.1.2", "2606:4700::1111"])
def test_a_public_address_is_told_by_https_alone(address: str) -> None:
    assert may_be_told(ip_address(address), SAFE, ())
    assert not may_be_told(ip_address(address), PLAIN, OWN)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.20.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",
        "2001:0:5ef5:79fb:0:59d:a0ff:fffe",
    ],
)  # fmt: skip
def test_a_private_address_is_never_told_however_it_is_written(address: str) -> None:
    assert not may_be_told(ip_address(address), SAFE, ())


def test_a_network_that_a_setting_allows_is_told_and_no_other() -> None:
    assert load_settings({"WEBHOOK_NETWORKS": "10.20.0.0/16, fd00:20::/32"}).webhook_networks == (
        *OWN,
        ip_network("fd00:20::/32"),
    )
    for target in (SAFE, PLAIN):
        assert may_be_told(ip_address("10.20.3.4"), target, OWN)
        assert not may_be_told(ip_address("10.21.3.4"), target, OWN)
    with pytest.raises(BadConfiguration, match=r"WEBHOOK_NETWORKS: '10\.20\.0\.1/16' is no network"):
        load_settings({"WEBHOOK_NETWORKS": "10.20.0.1/16"})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://erp.example/hook", "is not encrypted"),
        ("ftp://erp.example/", "is no URL of the web"),
        ("erp.example", "is no URL of the web"),
        ("https:///hook", "is no URL of the web"),
        ("https://erp.example:99999/", "is no URL"),
        ("https://[::1/", "is no URL"),
        ("https://me:secret@erp.example/", "has a user, password or fragment"),
        ("https://erp.example/#top", "has a user, password or fragment"),
        ("https://erp.example/a b", "has some that URLs have not"),
        ("https://erp.example/é", "has some that URLs have not"),
        ("https://erp.example/" + "a" * 2048, "is longer than 2048 characters"),
        ("https://erp example/", "names no host"),
        ("https://127.0.0.1/hook", "is an address of a private network"),
        ("https://[::ffff:10.0.0.1]/hook", "is an address of a private network"),
    ],
)
def test_a_url_that_webhooks_may_never_go_to_is_refused_when_it_is_given(url: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        parse_target(url, ())


def test_a_url_is_taken_apart_for_the_wire() -> None:
    assert parse_target("https://erp.example/hook?of=1", ()) == Target(False, "erp.example", 443, "/hook?of=1")
    assert parse_target("https://faß.example", ()) == Target(False, "xn--fa-hia.example", 443, "/")
    assert parse_target("http://10.20.0.5:8080/", OWN) == Target(True, "10.20.0.5", 8080, "/")
    assert origin_of("https://hooks.example:8443/T0/secret?k=1") == "https://hooks.example:8443"
