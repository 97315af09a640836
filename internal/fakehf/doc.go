// Package fakehf plays IBM Spectrum Symphony Host Factory: it calls the five scripts of a provider plug-in as the service
// does, follows requests, gives machines back, and checks every answer against the plug-in interface, field by field.
// It refuses to be lenient: an answer that the interface does not allow is a [Violation], however plain its meaning. It
// knows nothing of the program behind the scripts.
package fakehf
