// The agent's HTTP API, without sockets: one request in, one answer out. What it shows and does comes from an
// ApiBackend.
//   POST /api/v1/webhook/alertmanager · GET /api/v1/incidents[/ID] · GET /api/v1/diagnosis · GET /api/v1/actions · GET
//   /api/v1/observations and /api/v1/practice (with a token) · POST /api/v1/actions/ID/approve|reject|stop|undo · POST
//   /api/v1/incidents/ID/verdict · POST /api/v1/changes · GET /api/v1/cordons · POST
//   /api/v1/pause|resume|roll|deploy|cordon|uncordon · GET /metrics ·
//   /-/healthy ·
//   /-/ready · GET and POST /verdict/ID/right|wrong (signed links)
// Whatever changes something needs a bearer token; the token names the person. Only a verdict may come by a signed link
// instead (verdict_links.h). Answers are JSON with `schema`.
// Called on the HTTP server's thread; the backend is thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/tokens.h"
#include "agent/api/verdict_links.h"
#include "agent/base/result.h"
#include "agent/loop/incident.h"
#include "agent/loop/input.h"
#include "agent/world/real/http_server.h"

namespace medic {

// A deployment or change of settings that CI or a person tells of.
struct ChangeNotice {
    Subject subject;
    std::string kind;  // deployment | config-change | maintenance
    std::string version, version_before, text, by;
    WallTime at, until;  // until: of maintenance.
};

class ApiBackend {
public:
    ApiBackend() = default;
    ApiBackend(const ApiBackend&) = delete;
    ApiBackend& operator=(const ApiBackend&) = delete;
    virtual ~ApiBackend() = default;

    [[nodiscard]] virtual std::vector<Incident> incidents() const = 0;  // Open ones and the newest ended ones.
    [[nodiscard]] virtual std::vector<Cordon> cordons() const = 0;      // Nodes that people keep out of use.
    [[nodiscard]] virtual Result<Incident> incident(const std::string& id) const = 0;  // Older ones too.
    // Errors: unavailable (overloaded; the caller is told to come again).
    [[nodiscard]] virtual Status command(OperatorCommand command) = 0;
    // Durable when it returns. Alerts that are known already are taken again without effect.
    [[nodiscard]] virtual Status accept(std::vector<Alert> alerts) = 0;
    [[nodiscard]] virtual Status change(ChangeNotice change) = 0;
    // What `medic diagnose` prints as JSON, of all that the agent has seen. Errors: not_ready (not everything has been
    // looked at, or the newest look is old: whoever asks looks for himself), unavailable (busy).
    [[nodiscard]] virtual Result<std::string> diagnosis() const = 0;
    // Samples and events of the last minutes, for a bundle. Errors: as diagnosis().
    [[nodiscard]] virtual Result<std::string> observations(Duration last) const = 0;
    // What a drill must know of a cluster before it breaks something there, as a document (agent/practice/standing.h).
    // Errors: as diagnosis().
    [[nodiscard]] virtual Result<std::string> practice(const std::string& cluster) const = 0;
    [[nodiscard]] virtual std::string metrics() const = 0;
    [[nodiscard]] virtual std::vector<std::string> clusters() const = 0;
    [[nodiscard]] virtual WallTime now() const = 0;
    // "" when it is; else why not.
    [[nodiscard]] virtual std::string not_healthy() const = 0;
    [[nodiscard]] virtual std::string not_ready() const = 0;
};

class Api {
public:
    Api(ApiBackend& backend, TokenFile tokens, VerdictLinks links = {})
        : backend_(backend), tokens_(std::move(tokens)), links_(std::move(links)) {}

    [[nodiscard]] HttpResponse handle(const HttpRequest& request);

private:
    [[nodiscard]] HttpResponse get(const HttpRequest& request);
    [[nodiscard]] HttpResponse observations(const HttpRequest& request);
    [[nodiscard]] HttpResponse practice(const HttpRequest& request);
    [[nodiscard]] HttpResponse post(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse verdict(const HttpRequest& request);
    [[nodiscard]] HttpResponse alerts(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse changes(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse roll(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse deploy(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse cordon(const HttpRequest& request, const std::string& person);
    [[nodiscard]] HttpResponse command(const HttpRequest& request, OperatorCommand command);

    ApiBackend& backend_;
    TokenFile tokens_;
    VerdictLinks links_;
};

// An Alertmanager v4 webhook body. Alerts without a fingerprint or a start are refused (invalid).
[[nodiscard]] Result<std::vector<Alert>> read_alertmanager(std::string_view body,
                                                           const std::vector<std::string>& clusters);
// The most specific thing that the labels name; empty kind: none. `medic_subject` in the annotations goes first.
[[nodiscard]] Subject subject_of_labels(const std::map<std::string, std::string>& labels,
                                        const std::map<std::string, std::string>& annotations,
                                        const std::vector<std::string>& clusters);

}  // namespace medic
