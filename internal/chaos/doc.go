// Package chaos has no code but its tests: the whole program against a simulated AWS and a Host Factory that goes on, while
// processes die at any step and the cloud fails in every way it can. docs/testing.md says what that proves.
// It refuses to look into the engine: what is asked in the end is the cloud's ledger, the records and what was answered.
package chaos
