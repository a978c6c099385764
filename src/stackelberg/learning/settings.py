"""What a training run is: environment, method, length, and when to look at it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from pydantic import Field, ValidationError, create_model
from pydantic_core import ErrorDetails

from stackelberg.envs.params import EnvParams
from stackelberg.errors import ConfigError, InputError, suggestion
from stackelberg.learning.environment_settings import EnvironmentTable, Table
from stackelberg.learning.learner import Learner
from stackelberg.learning.methods import METHODS, MethodSettings, make_learner

WholeNumber = Annotated[int, Field(ge=0, le=10**12)]
Count = Annotated[int, Field(ge=1, le=10**12)]


class TrainingTable(Table):
    """`[training]`.

    Attributes:
        env_steps: slots of all environments together; rounded up to whole chunks.
        seed: decides everything random.
        checkpoint_every: steps between checkpoints.
        keep_checkpoints: how many stay.
        evaluate_every: steps between evaluations; 0: only at the end.
    """

    env_steps: Count = 100_000
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    checkpoint_every: Count = 10_000
    keep_checkpoints: Annotated[int, Field(ge=1, le=1000)] = 3
    evaluate_every: WholeNumber = 0


class EvaluationTable(Table):
    """`[evaluation]`: the episodes on which policies are judged.

    Attributes:
        episodes: how many; 0: training is not evaluated.
        slots: of each.
        seed: of the episodes; another than those of training.
    """

    episodes: Annotated[int, Field(ge=0, le=100_000)] = 16
    slots: Annotated[int, Field(ge=1, le=100_000)] = 20
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1_000_000


class _Run(Table):
    """The tables that are always the same."""

    environment: EnvironmentTable = EnvironmentTable()
    training: TrainingTable = TrainingTable()
    evaluation: EvaluationTable = EvaluationTable()


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """A training run, complete.

    Attributes:
        environment: the cell.
        method: name in `METHODS`.
        method_settings: of that method.
        training: how long.
        evaluation: on what it is judged.
    """

    environment: EnvironmentTable
    method: str
    method_settings: MethodSettings
    training: TrainingTable
    evaluation: EvaluationTable

    def params(self) -> EnvParams:
        """The environment.

        Raises:
            InputError: naming the key, from ``environment`` on.
        """
        try:
            return self.environment.params()
        except InputError as error:
            raise _within(error, "environment", self.environment) from None

    def learner(self, params: EnvParams) -> Learner:
        """The method, ready to start.

        Raises:
            InputError: naming the key, from ``method`` on.
        """
        try:
            return make_learner(self.method_settings, params)
        except InputError as error:
            raise _within(error, "method", None) from None

    def tables(self) -> dict[str, Any]:
        """Every key with its value, as a settings file would give it."""
        method = dataclasses.asdict(cast("Any", self.method_settings))
        return {
            "environment": self.environment.model_dump(mode="json", exclude_none=True),
            "method": {"name": self.method, **method},
            "training": self.training.model_dump(mode="json"),
            "evaluation": self.evaluation.model_dump(mode="json"),
        }


class WrongSettings(ConfigError):
    """A settings file with wrong keys; `errors` has one error for each.

    The message is that of the first.
    """

    def __init__(
        self,
        argument: str,
        *,
        expected: str,
        got: object,
        source: str | None = None,
        errors: tuple[InputError, ...] = (),
    ) -> None:
        super().__init__(argument, expected=expected, got=got, source=source)
        self.errors = errors or (self,)

    def located(self, source: str) -> WrongSettings:
        """The same errors, naming the file they came from."""
        plain = [
            ConfigError(e.argument, expected=e.expected, got=e.got, source=source)
            for e in self.errors  # which may be this one itself
        ]
        return _together(plain)


def run_settings(tables: Mapping[str, Any]) -> RunSettings:
    """Settings from the tables of a file.

    Args:
        tables: as TOML gives them; what is left out has its default.

    Raises:
        WrongSettings: with one error for every wrong key.
    """
    wrong: list[InputError] = []
    given = dict(tables)
    method = given.pop("method", None)
    try:
        run = _Run.model_validate_json(_json(given))
    except ValidationError as error:
        run = None
        wrong += [_told(one, "", _Run) for one in error.errors()]
    name, settings = _method(method, wrong)
    if wrong or run is None or settings is None:
        raise _together(wrong)
    made = RunSettings(run.environment, name, settings, run.training, run.evaluation)
    made.learner(made.params())
    return made


def _method(
    table: object, wrong: list[InputError]
) -> tuple[str, MethodSettings | None]:
    """The method's name and settings; what is wrong goes to `wrong`."""
    if not isinstance(table, dict) or "name" not in table:
        known = ", ".join(METHODS)
        wrong.append(
            ConfigError("method.name", expected=f"one of {known}", got="nothing")
        )
        return "", None
    fields = dict(cast("dict[str, Any]", table))
    name = fields.pop("name")
    if not isinstance(name, str) or name not in METHODS:
        near = suggestion(str(name), METHODS)
        wrong.append(
            ConfigError(
                "method.name",
                expected=f"one of {', '.join(METHODS)}{near}",
                got=repr(name)[:40],
            )
        )
        return "", None
    table_kind = _table_of(METHODS[name])
    try:
        read = table_kind.model_validate_json(_json(fields))
        given = {field: getattr(read, field) for field in table_kind.model_fields}
        return name, METHODS[name](**given)
    except ValidationError as error:
        wrong += [_told(one, "method.", table_kind) for one in error.errors()]
    except InputError as error:  # from the record's own checks
        wrong.append(_within(error, "method", None))
    return name, None


def _table_of(kind: type[MethodSettings]) -> type[Table]:
    """The fields of a method's settings as a table, with their defaults."""
    hints = get_type_hints(kind)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], field.default)
        for field in dataclasses.fields(cast("Any", kind))
    }
    return create_model("MethodTable", __base__=Table, **fields)


def _json(tables: dict[str, Any]) -> str:
    """Tables of TOML as JSON; dates, which no setting is, become their text."""
    return json.dumps(tables, default=str)


def _together(errors: list[Any]) -> WrongSettings:
    first: InputError = errors[0]
    return WrongSettings(
        first.argument,
        expected=first.expected,
        got=first.got,
        source=first.source,
        errors=tuple(errors),
    )


def _within(
    error: InputError, prefix: str, environment: EnvironmentTable | None
) -> WrongSettings:
    """The error of a library argument, named by its key."""
    name = error.argument
    inside = environment is not None and name in type(environment.radio).model_fields
    path = f"{prefix}.radio.{name}" if inside else f"{prefix}.{name}"
    return WrongSettings(path, expected=error.expected, got=error.got)


_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a word in quotes",
    "finite_number": "a finite number",
    "missing": "a value",
    "union_tag_not_found": "a table with `kind`",
}
_LIMITS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _told(error: ErrorDetails, prefix: str, kind: Any) -> InputError:
    """A pydantic error as one of ours."""
    places = _without_tags(error["loc"], kind)
    path = prefix + ".".join(str(place) for place in places)
    context: dict[str, Any] = error.get("ctx", {})
    got: object = repr(error["input"])[:40]
    what = error["type"]
    if what in ("extra_forbidden", "unexpected_keyword_argument"):
        near = suggestion(str(places[-1]), _names(_at(kind, places[:-1])))
        expected, got = f"one of the known keys{near}", "an unknown key"
    elif what == "missing":
        expected, got = _WANTED[what], "nothing"
    elif what in ("literal_error", "union_tag_invalid"):
        known = str(context.get("expected", context.get("expected_tags")))
        words = known.replace("'", "").replace(" or ", ", ").split(", ")
        if what == "union_tag_invalid":
            path, got = f"{path}.kind", repr(context["tag"])
        expected = f"one of {', '.join(words)}{suggestion(got.strip(_QUOTES), words)}"
    elif any(limit in context for limit in _LIMITS):
        limit = next(limit for limit in _LIMITS if limit in context)
        expected = f"a number {_LIMITS[limit]} {context[limit]}"
    else:
        message = error["msg"]
        expected = _WANTED.get(what, message[:1].lower() + message[1:])
    return ConfigError(path, expected=expected, got=got)


_QUOTES = "'\""


def _without_tags(loc: tuple[int | str, ...], kind: Any) -> list[int | str]:
    """The path of keys, without the kinds that pydantic names in between."""
    places: list[int | str] = []
    for place in loc:
        tags = [_tag(one) for one in _members(_at(kind, places))]
        if place not in tags:
            places.append(place)
    return places


def _at(kind: Any, places: list[int | str]) -> Any:
    """The type that stands at a path of keys."""
    for place in places:
        found = [
            fields[place]
            for one in _members(kind)
            if isinstance(place, str) and place in (fields := dict(_fields(one)))
        ]
        kind = found[0] if found else None
    return kind


def _members(kind: Any) -> list[Any]:
    """The tables that a type allows."""
    if kind is None or isinstance(kind, str):
        return []
    if get_origin(kind) is None:
        return [kind]
    return [one for part in get_args(kind) for one in _members(part)]


def _names(kind: Any) -> list[str]:
    return [name for one in _members(kind) for name, _ in _fields(one)]


def _fields(kind: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(kind, type) and issubclass(kind, Table):
        for name, field in kind.model_fields.items():
            yield name, field.annotation


def _tag(kind: Any) -> str | None:
    """The word by which a table of several kinds is told."""
    if (
        isinstance(kind, type)
        and issubclass(kind, Table)
        and "kind" in kind.model_fields
    ):
        return get_args(kind.model_fields["kind"].annotation)[0]
    return None
