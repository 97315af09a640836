// Package setup brings an installation into being and finds out what is wrong with it: doctor examines everything that a
// request needs, init and import write configuration and templates, and registration tells Host Factory of them.
// It refuses to overwrite anything without keeping what was there, and to change anything while it examines.
package setup
