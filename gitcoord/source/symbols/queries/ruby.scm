; Ruby. Methods of the class and of its instances share a path.

(module name: (_) @path) @type
(class name: (_) @path) @type
(method name: (_) @name) @function
(singleton_method object: (self) name: (_) @name) @function
(singleton_method object: (constant) @parent name: (_) @name) @function

; `private def name`
(call arguments: (argument_list . (method name: (_) @name) .)) @function
(call arguments: (argument_list . (singleton_method object: (self) name: (_) @name) .)) @function

; Names that are bound to a block.
(call
  method: (identifier) @is.define_method.define_singleton_method
  arguments: (argument_list . (simple_symbol) @name)
  block: (_)) @function
(assignment left: [(identifier) (constant)] @name right: (lambda)) @function
(assignment
  left: [(identifier) (constant)] @name
  right: (call method: (identifier) @is.lambda.proc block: (_))) @function
; Point = Struct.new(:x) do … end
(assignment left: (constant) @name right: (call receiver: (constant) block: (_))) @type

(comment) @above
