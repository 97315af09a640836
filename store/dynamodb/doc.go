// Package dynamodb is the store of the strategy "dynamodb": one table of Amazon DynamoDB that the processes of any number of
// machines share.
// It refuses to read what may be old (every read is consistent, and there is no secondary index, which could not be), to use
// a table that a newer version of the program has written, and to need anything that emulators of DynamoDB lack: it uses no
// transactions, whose limit of 100 items a request of 10,000 machines would not fit either.
//
// # The log
//
// A write happens when its entry is put into the log, under the condition that there is none at its place yet. The place follows from the
// entry before, so of all who decided on the same state one wins, and the others look at what was written in
// between: unless it touches what they decided on, they try the next place; else they decide again. One item, written
// under one condition, is all that has to be atomic. What an entry has no room for is written before it, under names that
// nobody knows until it is there; if it never comes, that is garbage and not damage.
//
// The order of the log is the order of everything: event numbers follow from it without gaps, nobody can read event 6
// before event 5 exists, and what is true of the store as a whole (what counts against limits, who holds which lease) is in
// each entry, so that a limit or the fence of a lease is checked by the same condition that commits the write.
//
// # What is read
//
// After the entry, its writer applies it: to the requests (one item each, with its machines packed into it, or into chunks of
// up to 256 when they are many), to the lists that they are found in, to the index of events. Before a writer adds an entry it makes
// sure that the last one is applied, whoever wrote it. So at most the newest entry is not applied; a reader reads that first, and
// corrects by it what it reads from items. An item that turns out to be of a later entry moves the reader on to that
// entry, so that what it shows is always the store as it was after one entry. An item never goes back to an older entry,
// however late its writer is.
//
// # Keys
//
//	log              <events before>.<number>   the entries
//	request#<id>     -                          a request
//	chunk#<id>       <write>.<what>.<n>         its machines, when they are many
//	part#<write>     …                          what an entry has no room for
//	list             <time>#<id>                all requests, by time
//	open             <id>                       those with something left to do
//	machine#<id>     -                          the requests to look into for a machine; written before the commit
//	name#<name>      -                          likewise, by host name
//	told#<id>        <place in the log>         the entries with events about a request
//	template         #<id>                      templates of the store's own
//	memory           <key in hexadecimal>       what providers remember; beside the log
//	meta             installation, applied
//
// docs/adr/0009-a-log-in-dynamodb.md says why.
package dynamodb
