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
// What a harness cannot do (a nil func, a kind of template that is missing) is reported in the test's log as not
// tested. A harness lists what it must be able to do in Must; with OHFP_TEST_DISALLOW_SKIP=1, as in continuous
// integration, a missing capability of that list fails the test.
package providertest
