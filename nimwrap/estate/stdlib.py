"""What typing, json and signal offer, for programs that are started hundreds of times: importing those costs 20 ms.

To a type checker these names are the originals.
"""

from __future__ import annotations

__all__ = ["NamedTuple", "dumps", "loads", "signal"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from json import dumps, loads
    from typing import NamedTuple
else:
    import _signal as signal  # the same functions without the enums
    from _json import encode_basestring_ascii, make_encoder, make_scanner
    from _operator import itemgetter

    class NamedTuple(tuple):
        """A tuple whose fields are the class's annotations in their order, with its values for them as defaults."""

        __slots__ = ()

        def __init_subclass__(cls):
            cls._fields = tuple(cls.__annotations__)
            cls._defaults = {name: cls.__dict__[name] for name in cls._fields if name in cls.__dict__}
            for place, name in enumerate(cls._fields):
                setattr(cls, name, property(itemgetter(place)))

        def __new__(cls, *values, **named):
            given = {**cls._defaults, **dict(zip(cls._fields, values, strict=False)), **named}
            if len(values) > len(cls._fields) or given.keys() != set(cls._fields):
                raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
            return tuple.__new__(cls, [given[name] for name in cls._fields])

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._asdict().items())})"

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changed):
            return type(self)(**{**self._asdict(), **changed})

    class _Decoding:
        strict = True
        object_hook = object_pairs_hook = None
        parse_float, parse_int = float, int
        parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__

    _scan = make_scanner(_Decoding)

    def loads(text):
        """The value that the JSON text begins with."""
        return _scan(text, 0)[0]

    def _refuse(value):
        raise TypeError(f"not JSON: {value!r}")

    _encode = make_encoder(None, _refuse, encode_basestring_ascii, None, ": ", ", ", False, False, True)

    def dumps(content):
        """``content`` as JSON text in one line."""
        return "".join(_encode(content, 0))
