# Throws what `longjmp` throws: a tag with the address of what it is about.
	.tagtype	__c_longjmp i32
	.globl	throw_jump
	.type	throw_jump,@function
throw_jump:
	.functype	throw_jump (i32) -> (i32)
	local.get	0
	throw	__c_longjmp
	end_function
