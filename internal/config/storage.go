package config

import "time"

// Storage is where requests and machines are kept.
type Storage struct {
	Strategy  string // StrategySQL, StrategyJSON or StrategyDynamoDB
	SQL       SQL
	JSON      JSON
	DynamoDB  DynamoDB
	Retention time.Duration // of requests that have ended; 0: for ever
}

// File is the path of a store in a file or directory; empty: it is none.
func (s Storage) File() string {
	switch {
	case s.Strategy == StrategyJSON:
		return s.JSON.Path
	case s.Strategy == StrategySQL && s.SQL.Type != PostgreSQL:
		return s.SQL.Path
	default:
		return ""
	}
}

// Shared says whether daemons on several hosts may use the store at once.
func (s Storage) Shared() bool {
	return s.Strategy == StrategyDynamoDB || s.Strategy == StrategySQL && s.SQL.Type == PostgreSQL
}

// Where requests and machines can be kept.
const (
	StrategySQL      = "sql"
	StrategyJSON     = "json"
	StrategyDynamoDB = "dynamodb"
)

// DynamoDB is the store in a table of DynamoDB. What is empty is left to the AWS SDK.
type DynamoDB struct {
	Region      string
	Profile     string
	Endpoint    string
	TablePrefix string
}

// JSON is the store in files.
type JSON struct {
	Path    string // of the directory
	Backups int    // how many are kept; 0: none is made
}

// SQL is the store in a database.
type SQL struct {
	Type           string // SQLite or PostgreSQL
	Path           string // of the file, for SQLite
	URL            Secret // of the database, for PostgreSQL
	Schema         string // for PostgreSQL
	MaxConnections int
}

// Kinds of databases.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgresql"
)
