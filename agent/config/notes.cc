// What is allowed in medic.yaml and yet worth a second look: secrets that others may see.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "agent/base/redact.h"
#include "agent/config/config.h"

namespace medic {
namespace {

bool is_loopback(std::string_view url) {
    for (const std::string_view host : {"://127.", "://localhost", "://[::1]"})
        if (url.find(host) != std::string_view::npos) return true;
    return false;
}

struct Notes {
    std::vector<std::string> all;

    void file(const std::string& where, const std::string& path) {
        if (path.empty()) return;
        std::error_code error;
        const auto status = std::filesystem::status(path, error);
        if (error || !std::filesystem::exists(status))
            all.push_back(fmt::format("{}: {} does not exist yet", where, path));
        else if ((status.permissions() & std::filesystem::perms::others_read) != std::filesystem::perms::none)
            all.push_back(fmt::format("{}: everyone on this host can read {}: chmod o-r", where, path));
    }
    void tls(const std::string& where, const TlsFiles& files) {
        file(where, files.key);
        if (!files.check_hostname)
            all.push_back(
                fmt::format("{}: check_hostname is off: whoever holds a certificate of that authority is "
                            "taken for it",
                            where));
    }
    void lease(const LeaseConfig& lease) {
        file("lease", lease.password_file);
        const auto is_open = [&](const std::string& url) {
            const bool logs_in = !lease.username.empty() || url.find('@') != std::string::npos;
            return logs_in && url.starts_with("http://") && !is_loopback(url);
        };
        if (std::ranges::any_of(lease.urls, is_open))
            all.push_back("lease: without https the login goes readable over the network");
    }
    void access(const std::string& where, const std::string& url, const HttpAccess& access) {
        if (access.tls) tls(where, *access.tls);
        file(where, access.auth.password.file);
        file(where, access.auth.bearer.file);
        if (access.auth.given() && url.starts_with("http://") && !is_loopback(url))
            all.push_back(where + ": without https the login goes readable over the network");
    }
};

}  // namespace

std::vector<std::string> config_notes(const Config& config) {
    Notes notes;
    if (config.scope == Scope::node) {
        notes.file("api", config.api_token_file);
        if (!is_loopback("://" + config.api_listen))
            notes.all.push_back("api: " + config.api_listen +
                                " is plain HTTP: tokens go readable over the network; listen on loopback behind a "
                                "proxy that speaks TLS");
    }
    for (const ClusterConfig& cluster : config.clusters) {
        const std::string kafka = "cluster " + cluster.name + ": kafka";
        const KafkaSecurity& security = cluster.kafka.security;
        if (security.tls) notes.tls(kafka, *security.tls);
        if (security.sasl) {
            notes.file(kafka, security.sasl->secret().file);
            if (security.sasl->mechanism == "PLAIN" && !security.tls)
                notes.all.push_back(kafka + ": PLAIN without tls sends the password readable over the network");
            if (security.sasl->mechanism == "OAUTHBEARER" && !security.tls)
                notes.all.push_back(kafka + ": OAUTHBEARER without tls sends the token readable over the network");
        }
        for (const auto& [url, access] : cluster.http)
            notes.access("cluster " + cluster.name + ": " + redact(url), url, access);  // It may hold a login.
    }
    notes.lease(config.lease);
    for (const NotifyConfig& receiver : config.notify) {
        const std::string where = "notify " + receiver.name;
        notes.access(where, receiver.url, receiver.access);
        for (const std::string& secret : {receiver.url_file, receiver.token_file, receiver.password_file})
            notes.file(where, secret);
    }
    return notes.all;
}

}  // namespace medic
