// Package dynamodb x.
package dynamodb
