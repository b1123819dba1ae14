"""The precision of a chain or of a flow: part of an identity only where it is not the default.

What was named before there was a choice keeps its name: the default is left out of every text that is hashed.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from gaugeflow.config.fields import FrozenModel

DEFAULT: Final = "float64"

Precision = Annotated[
    Literal["float64", "float32"],
    Field(description="links, momenta and their arithmetic; sums and decisions are float64 always"),
]


class WithPrecision(FrozenModel):
    """Settings with a precision."""

    precision: Precision = DEFAULT

    @model_serializer(mode="wrap")
    def _without_default(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content = handler(self)
        if content.get("precision") == DEFAULT:
            del content["precision"]
        return content
