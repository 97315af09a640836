// Package provider is the port to clouds: what a cloud must be able to do for this program, the registry of the
// providers that exist, and the memory that a provider may keep between processes.
// It refuses to know any particular cloud; those are the packages below it, and providertest is what they must pass.
//
// # Contract
//
// The words MUST and MAY are meant as in RFC 2119. Errors wrap one of the kinds of package ohfp; a refusal in the
// cloud's own words is an [ohfp.CloudError].
//
//	method     condition                                kind             retried by the engine
//	Validate   template decodes and is launchable       nil              -
//	Validate   unknown field, value out of range        ErrInvalid       no
//	Prepare    an offering is left to try               nil              -
//	Prepare    template cannot be launched              ErrInvalid       no
//	Prepare    put off because of the rate              ErrThrottled     a new ask, when it may
//	Launch     all or some machines launched            nil              shortage: a new attempt
//	Launch     nothing launched for lack of capacity    ErrCapacity      a new attempt, next offering
//	Launch     nothing launched, wrong for good         ErrInvalid,      no
//	                                                    ErrDenied,
//	                                                    ErrNotFound
//	Launch     put off because of the rate              ErrThrottled     the same order again
//	Launch     outcome unknown                          ErrUnavailable,  the same order again
//	                                                    ErrTimeout
//	Observe    some pages did not arrive                any              the next look
//	Terminate  some machines not ended                  any              those machines again
//	Terminate  machine already gone or unknown          nil              -
package provider
