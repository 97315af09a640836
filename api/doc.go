// Package api is what goes over the wire: requests, machines, templates and failures as the command line prints them and
// REST answers them, as Go types for programs that read either.
// It refuses to do anything: package client makes the calls.
package api
