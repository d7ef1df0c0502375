# Throws an exception as compilers for WebAssembly agree on it: a tag with the address of the exception object.
	.tagtype	__cpp_exception i32
	.globl	_Unwind_RaiseException
	.type	_Unwind_RaiseException,@function
_Unwind_RaiseException:
	.functype	_Unwind_RaiseException (i32) -> (i32)
	local.get	0
	throw	__cpp_exception
	end_function
