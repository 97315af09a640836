//go:build !linux

package localdisk

// NetworkFileSystem names the network file system that path is on. Only Linux can tell here; elsewhere the choice of a
// local directory is the operator's.
func NetworkFileSystem(string) (string, error) { return "", nil }
