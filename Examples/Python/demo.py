"""Imports an extension module in C and one in Rust."""
import sys

print("Python", sys.version.split()[0], "on", sys.platform)

import array

import numkong

a, b = array.array("f", [1, 2, 3]), array.array("f", [4, 5, 6])
print("numkong", numkong.__version__, "dot product:", numkong.dot(a, b))

from pydantic_core import SchemaValidator, ValidationError, __version__, core_schema

schema = core_schema.typed_dict_schema({"n": core_schema.typed_dict_field(core_schema.int_schema())})
validator = SchemaValidator(schema)
print("pydantic_core", __version__, validator.validate_json('{"n": "12"}'))
try:
    validator.validate_python({"n": "x"})
except ValidationError as error:
    print("refused:", error.errors()[0]["type"])
