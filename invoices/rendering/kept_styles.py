"""What the stylesheet makes of each kind of element: worked out for the first document, kept for the next ones.

WeasyPrint works out a hundred properties of every kind of element anew for each document, a fifth of what a page
costs, though stylesheet and template stay the same. Here that is done once a process. A document gets copies, for
layout writes into styles: what it does to its own, no other document sees.

This leans on WeasyPrint's inside (`StyleFor`, `Document._build_layout_context`). A test compares the bytes with
those of WeasyPrint left alone, so that an upgrade which changes anything here is seen.
"""

from functools import cached_property, partial
from typing import Any

from weasyprint import CSS, DEFAULT_OPTIONS
from weasyprint.css import AnonymousStyle, ComputedStyle, InitialStyle, StyleFor
from weasyprint.css.targets import TargetCollector
from weasyprint.document import Document
from weasyprint.images import get_image_from_uri
from weasyprint.layout import LayoutContext
from weasyprint.text.fonts import FontConfiguration

# What an element may be given besides: styles of its own, which are worked out for it each time.
_OWN = frozenset({"style", "id", "name", "width", "height"})


class KeptStyles:
    """The styles that one base stylesheet and one stylesheet make, with one set of fonts."""

    def __init__(self, base: CSS, stylesheet: CSS, fonts: FontConfiguration) -> None:
        self.sheets = ((base, "user agent", None), (stylesheet, "user", None))
        self.fonts = fonts
        # By what decides a style: the kept style of the parent, the pseudo-element, the declarations that won. They
        # are named by `id`, and live as long as the styles that rest on them.
        self._kept: dict[tuple[Any, ...], ComputedStyle] = {}

    def laid_out(self, html: Any, **options: Any) -> Document:
        """The pages of an HTML, as `HTML.render` gives them."""
        return self._document._render(html, self.fonts, None, None, DEFAULT_OPTIONS | options)

    @cached_property
    def _document(self) -> type[Document]:
        kept = self

        class DocumentOfKeptStyles(Document):  # type: ignore[misc]
            """A document that asks for its styles here; all else is WeasyPrint's."""

            @classmethod
            def _build_layout_context(
                cls, html: Any, fonts: FontConfiguration, counters: Any, _profiles: object, options: dict[str, Any]
            ) -> LayoutContext:
                for known in html._ua_counter_style():
                    counters.update(known)
                targets = TargetCollector()
                images = partial(get_image_from_uri, cache={}, url_fetcher=html.url_fetcher, options=options)
                return LayoutContext(_StylesOfDocument(kept, html, targets), images, fonts, counters, targets)

        return DocumentOfKeptStyles

    def style(
        self, parent: "_CopiedStyle | None", root: "_CopiedStyle | None", pseudo_type: str | None,
        declared: dict[str, Any], of_document: StyleFor,
    ) -> "_CopiedStyle":  # fmt: skip
        """A copy of what those declarations make below that parent."""
        above = None if parent is None else parent.kept
        won = tuple(
            (name, value if name == "lang" else id(value), origin, layer, *specificity)
            for name, (value, (origin, layer, specificity)) in declared.items()
        )
        key = id(above), pseudo_type, won
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = ComputedStyle(
                above, declared, pseudo_type, InitialStyle(self.fonts) if root is None else root.kept, None, self.fonts,
                of_document.initial_page_sizes,
            )  # fmt: skip
        return _CopiedStyle(found, parent)


class _StylesOfDocument(StyleFor):  # type: ignore[misc]
    """Which element of a document has which style: selectors are matched each time, what they make is kept."""

    def __init__(self, kept: KeptStyles, html: Any, targets: TargetCollector) -> None:
        self._kept = kept
        super().__init__(html, kept.sheets, False, kept.fonts, targets)

    def set_computed_styles(
        self, element: Any, parent: Any, root: Any = None, pseudo_type: str | None = None,
        base_url: str | None = None, target_collector: TargetCollector | None = None,
    ) -> None:  # fmt: skip
        """Take a kept style, unless the element or one above it has a style of its own."""
        found = self.get_computed_styles()
        is_root = element == root and pseudo_type is None
        above, of_root = (None, None) if is_root else (found[parent, None], found[root, None])
        has_its_own = not _OWN.isdisjoint(getattr(element, "attrib", ()))
        if has_its_own or not all(style is None or isinstance(style, _CopiedStyle) for style in (above, of_root)):
            super().set_computed_styles(element, parent, root, pseudo_type, base_url, target_collector)
            return
        declared = self.get_cascaded_styles().get((element, pseudo_type), {})
        found[element, pseudo_type] = self._kept.style(above, of_root, pseudo_type, declared, self)


class _CopiedStyle(ComputedStyle):  # type: ignore[misc]
    """A document's copy of a kept style; what was never asked for before is worked out there."""

    def __init__(self, kept: ComputedStyle, parent_style: "_CopiedStyle | None") -> None:
        # Not its anonymous style, once that is there: the copy has one of its own.
        self.__dict__.update((name, value) for name, value in kept.__dict__.items() if name != "anonymous_style")
        self.specified = kept.specified.copy()
        self.parent_style = parent_style
        self.kept = kept
        # WeasyPrint takes an empty style for none: what it asks of each first is asked of the kept one.
        kept["anchor"]
        self.update(kept)

    def __missing__(self, key: str) -> Any:
        value = self[key] = self.kept[key]
        return value

    def copy(self) -> "_CopiedStyle":
        """One more copy, with what has been done to this one."""
        copy = _CopiedStyle(self.kept, self.parent_style)
        copy.update(self)
        return copy

    @cached_property
    def anonymous_style(self) -> "_CopiedAnonymousStyle":
        """That of the boxes below that stand for no element."""
        return _CopiedAnonymousStyle(self.kept.anonymous_style, self)


class _CopiedAnonymousStyle(AnonymousStyle):  # type: ignore[misc]
    """The same for boxes that stand for no element."""

    def __init__(self, kept: AnonymousStyle, parent_style: _CopiedStyle) -> None:
        super().__init__(parent_style)
        self.kept = kept
        self.update(kept)

    def __missing__(self, key: str) -> Any:
        value = self[key] = self.kept[key]
        return value

    def copy(self) -> "_CopiedAnonymousStyle":
        """One more copy, with what has been done to this one."""
        copy = _CopiedAnonymousStyle(self.kept, self.parent_style)
        copy.update(self)
        return copy
