// Package fake is a cloud in memory, for tests of everything above the port: any number of providers may be opened on
// one [Cloud], as processes of their own would be. Time passes in it as the clock it was made with says, and it fails
// when it is told to.
// It refuses to be a simulation of any real cloud: that is what awssim is for.
//
// Machines are launched by one of four APIs, chosen by the template's providerApi. "Instances" asks one machine type in
// one zone, and its resource is a mere label. "Fleet" asks every type in every zone that is not known to be full, and
// its resource stays until it is retired. "Group" and "Request" answer with a resource only, which launches machines by
// itself as time passes and room allows: a group replaces what it loses up to its target, a request does not. Their
// machines carry no tags of their own.
package fake
