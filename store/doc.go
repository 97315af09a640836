// Package store is the port to where requests, machines, templates and events are kept.
// It refuses to hold any rule about them: what may change is decided in package ohfp, and a store only makes sure that a
// change happens whole, once, and against the record that it was decided on. Package storetest is what every store passes.
package store
