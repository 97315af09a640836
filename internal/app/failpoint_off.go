//go:build !failpoints

package app

// step does nothing: a program that is not built for crash tests cannot be told to crash.
func step(func(string) (string, bool)) func(string) { return nil }
