// Package providertest is the conformance suite that every provider passes, those outside of this module too: it holds
// a provider to the contract of package provider, against a real cloud, a simulated one or a fake.
// It refuses to look inside a provider: it calls the port's methods, and asks the [Harness] what the cloud then has.
//
// A test of a provider is one call:
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, func(t testing.TB) providertest.Harness {
//			cloud := startCloud(t)
//			return providertest.Harness{New: …, Templates: …, Advance: …, Live: …}
//		})
//	}
//
// What a harness cannot do (a nil func, a kind of template that is missing) needs a reason in its Lacks; the cases that
// need it are then skipped with that reason, and without one they fail. Cases that a cloud gets wrong, although the
// provider is right, are in Gaps: they are run and must fail. [Run] gives its tests attributes from which the command
// table makes one table of all runs.
package providertest
