"""The styles of each kind of element: worked out for the first document, kept for the next ones.

WeasyPrint works out a hundred properties of every kind of element anew for each document, a fifth of what a page
costs, though stylesheet and template stay the same. Here that is done once a process. A document gets copies, because
layout writes into styles, and no document may see what another's layout wrote.

This leans on WeasyPrint's inside: `StyleFor`, `Document._build_layout_context`, `Document._render`.
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

# Attributes that give an element a style of its own, which is worked out each time.
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
        """Lay out a page, as `HTML.render` does."""
        return self._document._render(html, self.fonts, None, None, DEFAULT_OPTIONS | options)

    @cached_property
    def _document(self) -> type[Document]:
        styles = self

        class DocumentOfKeptStyles(Document):  # type: ignore[misc]
            """A document that asks for its styles here; everything else is WeasyPrint's."""

            @classmethod
            def _build_layout_context(
                cls, html: Any, fonts: FontConfiguration, counters: Any, _profiles: object, options: dict[str, Any]
            ) -> LayoutContext:
                for counter_style in html._ua_counter_style():
                    counters.update(counter_style)
                targets = TargetCollector()
                images = partial(get_image_from_uri, cache={}, url_fetcher=html.url_fetcher, options=options)
                return LayoutContext(_StylesOfDocument(styles, html, targets), images, fonts, counters, targets)

        return DocumentOfKeptStyles

    def style(
        self, parent: "_CopiedStyle | None", root: "_CopiedStyle | None", pseudo_type: str | None,
        declared: dict[str, Any], of_document: StyleFor,
    ) -> "_CopiedStyle":  # fmt: skip
        """Return a copy of the style that those declarations make below that parent."""
        above = None if parent is None else parent.kept
        won = tuple(
            (name, value if name == "lang" else id(value), origin, layer, *specificity)
            for name, (value, (origin, layer, specificity)) in declared.items()
        )
        key = id(above), pseudo_type, won
        style = self._kept.get(key)
        if style is None:
            style = self._kept[key] = ComputedStyle(
                above, declared, pseudo_type, InitialStyle(self.fonts) if root is None else root.kept, None, self.fonts,
                of_document.initial_page_sizes,
            )  # fmt: skip
        return _CopiedStyle(style, parent)


class _StylesOfDocument(StyleFor):  # type: ignore[misc]
    """The styles of one document's elements: selectors are matched each time, what they make is kept."""

    def __init__(self, styles: KeptStyles, html: Any, targets: TargetCollector) -> None:
        self._styles = styles
        super().__init__(html, styles.sheets, False, styles.fonts, targets)

    def set_computed_styles(
        self, element: Any, parent: Any, root: Any = None, pseudo_type: str | None = None,
        base_url: str | None = None, target_collector: TargetCollector | None = None,
    ) -> None:  # fmt: skip
        """Take a kept style, unless the element or one above it has a style of its own."""
        computed = self.get_computed_styles()
        is_root = element == root and pseudo_type is None
        above, of_root = (None, None) if is_root else (computed[parent, None], computed[root, None])
        has_its_own = not _OWN.isdisjoint(getattr(element, "attrib", ()))
        if has_its_own or not all(style is None or isinstance(style, _CopiedStyle) for style in (above, of_root)):
            super().set_computed_styles(element, parent, root, pseudo_type, base_url, target_collector)
            return
        declared = self.get_cascaded_styles().get((element, pseudo_type), {})
        computed[element, pseudo_type] = self._styles.style(above, of_root, pseudo_type, declared, self)


class _CopiedStyle(ComputedStyle):  # type: ignore[misc]
    """A document's copy of a kept style; a property that nobody has asked for yet is worked out in the kept one."""

    def __init__(self, kept_style: ComputedStyle, parent_style: "_CopiedStyle | None") -> None:
        # The anonymous style is left out: the copy has one of its own.
        self.__dict__.update((name, value) for name, value in kept_style.__dict__.items() if name != "anonymous_style")
        self.specified = kept_style.specified.copy()
        self.parent_style = parent_style
        self.kept = kept_style
        # WeasyPrint takes an empty style for none: the property it asks for first is there before the copy is made.
        kept_style["anchor"]
        self.update(kept_style)

    def __missing__(self, key: str) -> Any:
        value = self[key] = self.kept[key]
        return value

    def copy(self) -> "_CopiedStyle":
        """Return another copy, with all that was written into this one."""
        copy = _CopiedStyle(self.kept, self.parent_style)
        copy.update(self)
        return copy

    @cached_property
    def anonymous_style(self) -> "_CopiedAnonymousStyle":
        """Return the style of the boxes below that stand for no element."""
        return _CopiedAnonymousStyle(self.kept.anonymous_style, self)


class _CopiedAnonymousStyle(AnonymousStyle):  # type: ignore[misc]
    """The same for boxes that stand for no element."""

    def __init__(self, kept_style: AnonymousStyle, parent_style: _CopiedStyle) -> None:
        super().__init__(parent_style)
        self.kept = kept_style
        self.update(kept_style)

    def __missing__(self, key: str) -> Any:
        value = self[key] = self.kept[key]
        return value

    def copy(self) -> "_CopiedAnonymousStyle":
        """Return another copy, with all that was written into this one."""
        copy = _CopiedAnonymousStyle(self.kept, self.parent_style)
        copy.update(self)
        return copy
