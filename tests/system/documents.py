# SPDX-License-Identifier: Apache-2.0
"""Checks documents against the JSON Schemas in schema/: the keywords that those use, and no others."""
import json
import os
import re

SCHEMAS = "schema"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required", "pattern",
         "additionalProperties", "patternProperties", "propertyNames", "minProperties", "items", "minItems", "enum",
         "const", "minimum", "maximum", "minLength", "maxLength", "anyOf", "oneOf"}


class Mismatch(Exception):
    pass


def load(name):
    with open(os.path.join(SCHEMAS, name + ".schema.json"), encoding="utf-8") as file:
        return json.load(file)


def has_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check_object(value, schema, root, place):
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key in schema.get("required", []):
        if key not in value:
            raise Mismatch("%s: %s is missing" % (place, key))
    if len(value) < schema.get("minProperties", 0):
        raise Mismatch("%s: too few members" % place)
    for key, member in value.items():
        below = "%s.%s" % (place, key)
        if "propertyNames" in schema:
            check(key, schema["propertyNames"], root, below)
        matching = [sub for pattern, sub in patterns.items() if re.search(pattern, key)]
        if key in properties:
            matching.append(properties[key])
        if not matching:
            rest = schema.get("additionalProperties", True)
            if rest is False:
                raise Mismatch("%s: nobody knows this member" % below)
            matching = [] if rest is True else [rest]
        for sub in matching:
            check(member, sub, root, below)


def check_array(value, schema, root, place):
    if len(value) < schema.get("minItems", 0):
        raise Mismatch("%s: too few items" % place)
    for index, item in enumerate(value):
        check(item, schema.get("items", {}), root, "%s[%d]" % (place, index))


def check_plain(value, schema, place):
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise Mismatch("%s: %r does not look like %s" % (place, value, schema["pattern"]))
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            raise Mismatch("%s: %r is too short or too long" % (place, value))
    elif has_type(value, "number"):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise Mismatch("%s: %r is out of bounds" % (place, value))


def check_alternatives(value, alternatives, root, place):
    """One of them must fit; else what is told is the mismatch with the last of them that has the right event or kind."""
    told = Mismatch("%s: fits none of the alternatives" % place)
    for schema in alternatives:
        try:
            return check(value, schema, root, place)
        except Mismatch as mismatch:
            if "is none of those allowed" not in str(mismatch):
                told = mismatch
    raise told


def check(value, schema, root=None, place="document"):
    root = schema if root is None else root
    unknown = set(schema) - KNOWN
    if unknown:
        raise Mismatch("%s: this checker does not know %s" % (place, ", ".join(sorted(unknown))))
    if schema.get("$ref", "").endswith(".schema.json"):
        check(value, load(schema["$ref"].removesuffix(".schema.json")), None, place)
    elif "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        check(value, target, root, place)
    for alternatives in (schema[key] for key in ("anyOf", "oneOf") if key in schema):
        check_alternatives(value, alternatives, root, place)
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(has_type(value, name) for name in names):
        raise Mismatch("%s: %r is no %s" % (place, value, " or ".join(names)))
    if "enum" in schema and value not in schema["enum"] or "const" in schema and value != schema["const"]:
        raise Mismatch("%s: %r is none of those allowed" % (place, value))
    if isinstance(value, dict):
        check_object(value, schema, root, place)
    elif isinstance(value, list):
        check_array(value, schema, root, place)
    else:
        check_plain(value, schema, place)


def matches(value, name):
    """Does the document match the schema of that name?"""
    try:
        check(value, load(name))
    except Mismatch:
        return False
    return True
