// What OpenSSL's errors mean for the person who has to mend them. Only for .cc files of agent/world/real.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "agent/base/access.h"

namespace medic::tls_text {

struct CertificateDeleter {
    void operator()(X509* certificate) const { X509_free(certificate); }
};

// A certificate of the peer's chain that our own check did not accept.
struct RefusedCertificate {
    long why = X509_V_OK;
    std::unique_ptr<X509, CertificateDeleter> certificate;
};

// The newest entry of OpenSSL's error queue, or "unknown error".
[[nodiscard]] std::string last_error();

// Why the session is broken: a certificate that was not accepted (by us or by the peer), a peer that does not speak
// TLS, or whatever OpenSSL says.
[[nodiscard]] std::string session_error(const RefusedCertificate& refused, const TlsFiles& files,
                                        const std::string& host);

}  // namespace medic::tls_text
