// Package inbox is a mail server for development that delivers nothing. It keeps each mail,
// shows it on a page, and hands it to tests. A developer sees a first reset from end to end
// without an account at a mail provider, and tests decide how mail fails.
//
// Its JSON API has the paths and field names of Mailpit's, so that a script
// written against one runs against the other.
//
// Mails hold live links. The inbox therefore listens on loopback only and shows a mail's HTML
// without scripts or remote content. It answers no other host name: a web page that rebinds its
// own name to 127.0.0.1 gets nothing.
package inbox
