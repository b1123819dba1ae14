"""The precision of a chain or of a flow: part of an identity only where it is not the default.

What was named before there was a choice keeps its name: the default of every choice that came later is left out of the
text that is hashed.
"""

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gaugeflow.config.fields import FrozenModel

DEFAULT: Final = "float64"

Precision = Annotated[
    Literal["float64", "float32"],
    Field(description="links, momenta and their arithmetic; sums and decisions are float64 always"),
]


class WithPrecision(FrozenModel):
    """Settings with a precision.

    left_out   fields that leave no trace at their default
    """

    left_out: ClassVar[tuple[str, ...]] = ("precision",)

    precision: Precision = DEFAULT

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = handler(self)
        for name in self.left_out:
            if getattr(self, name) == type(self).model_fields[name].default:
                content.pop(name, None)
        return content
