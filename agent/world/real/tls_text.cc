#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <ctime>
#include <memory>

#include <system_error>

#include <fmt/format.h>

#include "agent/world/real/tls_text_internal.h"

namespace medic::tls_text {
namespace {

constexpr std::size_t names_max = 8;  // Of a certificate, in a message.

std::string one_line(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })> bio(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

std::string date(const ASN1_TIME* time) {
    std::tm when{};
    if (ASN1_TIME_to_tm(time, &when) != 1) return "an unreadable date";
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", when.tm_year + 1900, when.tm_mon + 1, when.tm_mday,
                       when.tm_hour, when.tm_min);
}

std::string name_of(const GENERAL_NAME* name) {
    if (name->type == GEN_DNS)
        return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                           static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    if (name->type != GEN_IPADD) return "";
    char text[INET6_ADDRSTRLEN] = "";
    const int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
    inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text, sizeof text);
    return text;
}

// The names that a certificate speaks for.
std::string names(X509* certificate) {
    auto* const all =
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const std::unique_ptr<GENERAL_NAMES, decltype([](GENERAL_NAMES* list) { GENERAL_NAMES_free(list); })> held(all);
    std::string text;
    std::size_t count = 0;
    for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all); ++i) {
        const std::string name = name_of(sk_GENERAL_NAME_value(all, i));
        if (name.empty()) continue;
        if (++count > names_max) return text + ", …";
        text += (text.empty() ? "" : ", ") + name;
    }
    return text.empty() ? one_line(X509_get_subject_name(certificate)) : text;
}

std::string refused_by_us(const RefusedCertificate& refused, const TlsFiles& files, const std::string& host) {
    const long why = refused.why;
    const auto& peer = refused.certificate;
    if (!peer) return X509_verify_cert_error_string(why);
    const std::string subject = one_line(X509_get_subject_name(peer.get()));
    const std::string trust = files.ca.empty() ? std::string("the system's trust store") : files.ca;
    switch (why) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format(
                "its certificate is for {}, not for {}: connect by a name that it holds, or say "
                "`check_hostname: false`",
                names(peer.get()), host);
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("its certificate ({}) has expired on {}", subject, date(X509_get0_notAfter(peer.get())));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return fmt::format("its certificate ({}) is not valid before {}; is this machine's clock right?", subject,
                               date(X509_get0_notBefore(peer.get())));
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return fmt::format(
                "its chain of certificates ends at {}, which {} does not vouch for: give that "
                "certificate authority's file as `ca`",
                subject, trust);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return fmt::format(
                "its certificate ({}) is signed by {}, which {} does not vouch for: give the "
                "certificate authority's file as `ca`",
                subject, one_line(X509_get_issuer_name(peer.get())), trust);
        default:
            return fmt::format("its certificate ({}) is not accepted: {}", subject, X509_verify_cert_error_string(why));
    }
}

std::string from_reason(int reason, const TlsFiles& files) {
    const std::string& ours = files.certificate;
    const bool about_certificate =
        reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE;
    if (about_certificate && ours.empty()) return "it demands a client certificate: give `certificate` and `key`";
    switch (reason) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_UNKNOWN_PROTOCOL: return "it does not speak TLS here: a plain-text listener? Take its TLS port";
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return "it speaks no TLS version that is safe; 1.2 or newer is needed";
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return "it refused the handshake; it may demand another client certificate" +
                   (ours.empty() ? "" : " than " + ours);
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return "it does not accept our client certificate " + ours;
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: return "our client certificate " + ours + " has expired";
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: return "our client certificate " + ours + " was revoked";
        default: return "";
    }
}

}  // namespace

std::string last_error() {
    const unsigned long code = ERR_peek_last_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    // Since 3.0 what the system says comes without a text of OpenSSL's own.
    if (reason == nullptr && ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    return reason != nullptr ? reason : "unknown error";
}

std::string session_error(const RefusedCertificate& refused, const TlsFiles& files, const std::string& host) {
    if (refused.why != X509_V_OK) return "TLS: " + refused_by_us(refused, files, host);
    const std::string known = from_reason(ERR_GET_REASON(ERR_peek_last_error()), files);
    return "TLS: " + (known.empty() ? last_error() : known);
}

}  // namespace medic::tls_text
