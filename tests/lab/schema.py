# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a QEMU says of its own QMP (query-qmp-schema, captured by tests/schema/capture), to hold commands against."""

import functools
import gzip
import json
import os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../schema")

JSON_TYPES = {
    "string": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "value": lambda value: True,
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}


@functools.cache
def load(version):
    with gzip.open(os.path.join(FOLDER, f"{version}.json.gz"), "rt", encoding="utf-8") as file:
        return {entry["name"] + ("()" if entry["meta-type"] == "command" else ""): entry
                for entry in json.load(file)["schema"]}


class Schema:
    def __init__(self, version):
        self.version = version
        self._entries = load(version)

    # --- holding a command against it ---------------------------------------------------------------------------------

    def check(self, command, arguments=None, oob=False, strict=False):
        """None when this QEMU would take the command so, else what is wrong; strict refuses what is deprecated."""
        entry = self._entries.get(command + "()")
        if entry is None:
            return f"QEMU {self.version} has no command {command}"
        if oob and not entry.get("allow-oob", False):
            return f"{command} cannot be executed out of band"
        if strict and "deprecated" in entry.get("features", []):
            return f"{command} is deprecated"
        return self._check_type(command, entry["arg-type"], arguments or {}, strict)

    def _check_type(self, where, name, value, strict):
        entry = self._entries[name]
        kind = entry["meta-type"]
        if kind == "builtin":
            return None if JSON_TYPES[entry["json-type"]](value) else f"{where}: {value!r} is no {entry['json-type']}"
        if kind == "enum":
            return None if value in self._values(entry) else f"{where}: {value!r} is not one of {self._values(entry)}"
        if kind == "array":
            return self._check_array(where, entry, value, strict)
        if kind == "alternate":
            return self._check_alternate(where, entry, value, strict)
        return self._check_object(where, entry, value, strict)

    def _check_array(self, where, entry, value, strict):
        if not isinstance(value, list):
            return f"{where}: {value!r} is no array"
        errors = (self._check_type(f"{where}[{i}]", entry["element-type"], item, strict) for i, item in enumerate(value))
        return next(filter(None, errors), None)

    def _check_alternate(self, where, entry, value, strict):
        errors = [self._check_type(where, member["type"], value, strict) for member in entry["members"]]
        return None if None in errors else errors[0]

    def _check_object(self, where, entry, value, strict):
        if not isinstance(value, dict):
            return f"{where}: {value!r} is no object"
        members = self._members(entry, value)
        if isinstance(members, str):
            return f"{where}: {members}"
        for name, member in members.items():
            if name not in value and "default" not in member:
                return f"{where}: {name} is missing"
        for name, inner in value.items():
            if name not in members:
                return f"{where}: QEMU {self.version} knows no {name} here"
            if strict and "deprecated" in members[name].get("features", []):
                return f"{where}: {name} is deprecated"
            error = self._check_type(f"{where}.{name}", members[name]["type"], inner, strict)
            if error:
                return error
        return None

    def _members(self, entry, value):
        """The members that an object of this type and with this tag may have."""
        members = {member["name"]: member for member in entry["members"]}
        if "tag" not in entry:
            return members
        tag = value.get(entry["tag"])
        if tag is None and "default" not in members[entry["tag"]]:
            return f"{entry['tag']} is missing"
        for variant in entry["variants"]:
            if variant["case"] == tag:
                inner = self._members(self._entries[variant["type"]], value)
                return inner if isinstance(inner, str) else {**members, **inner}
        return members

    @staticmethod
    def _values(entry):
        return [member["name"] for member in entry["members"]] if "members" in entry else entry["values"]

    # --- looking things up --------------------------------------------------------------------------------------------

    def commands(self):
        return sorted(name[:-2] for name, entry in self._entries.items() if entry["meta-type"] == "command")

    def events(self):
        return sorted(name for name, entry in self._entries.items() if entry["meta-type"] == "event")

    def enum(self, command_or_event, *path):
        """The values of an enumeration, by the way to it: enum("migrate-set-capabilities", "capabilities", "capability")."""
        entry = self._entries.get(command_or_event + "()") or self._entries[command_or_event]
        entry = self._entries[entry["arg-type"]]
        for name in path:
            entry = self._step(entry, name)
        return self._values(self._element(entry))

    def members(self, command):
        """The names of a command's arguments."""
        return [member["name"] for member in self._entries[self._entries[command + "()"]["arg-type"]]["members"]]

    def capabilities(self):
        return self.enum("migrate-set-capabilities", "capabilities", "capability")

    def parameters(self):
        return self.members("migrate-set-parameters")

    def migration_statuses(self):
        return self.enum("MIGRATION", "status")

    def names(self):
        return {*self.commands(), *self.events(), *self.capabilities(), *self.parameters(), *self.migration_statuses()}

    def _step(self, entry, name):
        return self._entries[next(member["type"] for member in self._element(entry)["members"] if member["name"] == name)]

    def _element(self, entry):
        return self._entries[entry["element-type"]] if entry["meta-type"] == "array" else entry
