// The brokers' second listener, LOGIN: TLS and SASL OAUTHBEARER, as clusters with an identity provider have it. Whoever
// goes through it shows that TLS, tokens, renewed logins and changed certificates work on real Kafka. There is no
// identity provider here: the tokens are unsigned (RFC 7519, section 6), which Kafka takes unless told otherwise.
#pragma once

#include <string>
#include <vector>

#include "agent/base/access.h"
#include "engine/lab/plan.h"

namespace medic::live {

constexpr const char* login_listener = "LOGIN";
constexpr const char* login_port = "login";  // Of a broker's plan.

// The authority's and the brokers' certificates and a token for clients, in DATA/tls. Needs the program openssl.
[[nodiscard]] Status make_login_files(const engine::lab::LabPlan& plan);

// What a broker's properties say of the listener, but for `listeners` and the protocol map.
[[nodiscard]] std::string login_properties(const std::string& data_dir, const std::string& broker);

// How a client gets in. It trusts the authority of before a rotation and the one after it.
[[nodiscard]] KafkaSecurity login_security(const std::string& data_dir);
[[nodiscard]] std::vector<std::string> login_bootstrap(const engine::lab::LabPlan& plan);  // host:port

// Another authority issues new certificates, and the brokers load them while they run (KIP-226). Existing connections
// through the listener are broken off, so that the next ones meet the new certificates; that they do is checked.
[[nodiscard]] Status rotate_certificates(const engine::lab::LabPlan& plan);

}  // namespace medic::live
