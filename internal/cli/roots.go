package cli

// A container FROM scratch has no certificate authorities of its own. The embedded ones count only
// where the system has none, so the operator's are never widened.
import _ "golang.org/x/crypto/x509roots/fallback"
