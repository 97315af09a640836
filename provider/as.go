package provider

// Wrapper is a provider around another one, as decorators are. It need not repeat the optional capabilities of what it
// wraps: [As] finds them.
type Wrapper interface {
	// Unwrap returns the provider inside.
	Unwrap() Provider
}

// As returns the first of p and the providers inside it that has the capability T. Whoever wants a capability asks this
// instead of asserting it, so that a decorator hides none.
func As[T any](p Provider) (T, bool) {
	for {
		if able, ok := p.(T); ok {
			return able, true
		}
		wrapper, ok := p.(Wrapper)
		if !ok {
			var none T
			return none, false
		}
		p = wrapper.Unwrap()
	}
}
