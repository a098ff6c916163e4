#include "agent/api/api.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/ranges.h>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"

namespace medic {
namespace {

HttpResponse json(int status, std::string body) {
    return {.status = status, .body = std::move(body), .content_type = "application/json", .headers = {}};
}

HttpResponse problem(int status, const std::string& message) {
    return json(status, dump({{"schema", 1}, {"error", message}}));
}

HttpResponse plain(int status, std::string body) {
    return {.status = status, .body = std::move(body), .content_type = "text/plain; charset=utf-8", .headers = {}};
}

HttpResponse of(const Status& done) {
    if (done) return json(200, dump({{"schema", 1}, {"accepted", true}}));
    switch (done.error().code) {
        case ErrorCode::invalid: return problem(400, done.error().message);
        case ErrorCode::not_ready: return problem(409, done.error().message);
        case ErrorCode::unavailable: {
            HttpResponse busy = problem(503, done.error().message);
            busy.headers.emplace_back("Retry-After", "5");
            return busy;
        }
        default: return problem(500, done.error().message);
    }
}

std::optional<OperatorCommand::Kind> kind_of(const std::string& verb) {
    using Kind = OperatorCommand::Kind;
    if (verb == "approve") return Kind::approve;
    if (verb == "reject") return Kind::reject;
    if (verb == "stop") return Kind::stop;
    if (verb == "undo") return Kind::undo;
    return std::nullopt;
}

// The cluster that is named, or the only one there is.
Result<std::string> cluster_of(const Json& body, const std::vector<std::string>& clusters) {
    std::string name = text_of(body, "cluster");
    if (name.empty() && clusters.size() == 1) name = clusters[0];
    if (name.empty()) return fail(ErrorCode::invalid, "which cluster? --cluster {}", fmt::join(clusters, " | "));
    if (std::ranges::find(clusters, name) == clusters.end())
        return fail(ErrorCode::invalid, "cluster `{}` is not in the configuration", name);
    return name;
}

std::optional<HttpResponse> unknown_key(const Json& body, std::span<const std::string_view> keys) {
    for (const auto& [key, value] : body.items())
        if (std::ranges::find(keys, key) == keys.end())
            return problem(400, fmt::format("`{}` is none of {}", key, fmt::join(keys, ", ")));
    return std::nullopt;
}

std::optional<HttpResponse> read_dry_run(const Json& body, DeploymentWish& wish) {
    const Json* given = json_member(body, "dry_run");
    if (given == nullptr) return std::nullopt;
    if (!given->is_boolean()) return problem(400, "dry_run: expected true or false");
    wish.dry_run = given->get<bool>();
    return std::nullopt;
}

std::string cordons_json(const std::vector<Cordon>& cordons) {
    Json all = Json::array();
    for (const Cordon& one : cordons)
        all.push_back({{"cluster", one.cluster},
                       {"node", one.node},
                       {"by", one.by},
                       {"reason", one.reason},
                       {"since", rfc3339(one.since)}});
    return dump({{"schema", 1}, {"cordons", all}});
}

}  // namespace

HttpResponse Api::handle(const HttpRequest& request) {
    if (is_verdict_path(request.path)) return verdict(request);
    if (request.method == "GET" || request.method == "HEAD") return get(request);
    if (request.method != "POST") return problem(405, "GET or POST");
    const auto person = tokens_.person(request.header("authorization"));
    if (!person) {
        HttpResponse refused =
            problem(401, "this changes something: send Authorization: Bearer TOKEN with a token of api.token_file");
        refused.headers.emplace_back("WWW-Authenticate", "Bearer");
        return refused;
    }
    return post(request, *person);
}

// The link's signature is the authority; it covers nothing but this one verdict.
HttpResponse Api::verdict(const HttpRequest& request) {
    const auto claim = links_.check(request, backend_.now());
    if (!claim) return verdict_refused(403, claim.error().message);
    if (const auto known = backend_.incident(claim->incident); !known)
        return verdict_refused(404, known.error().message);
    if (request.method == "GET" || request.method == "HEAD") return verdict_question(*claim);
    if (request.method != "POST") return verdict_refused(405, "GET or POST");
    using Kind = OperatorCommand::Kind;
    const Status noted = backend_.command({.kind = claim->right ? Kind::verdict_right : Kind::verdict_wrong,
                                           .target = claim->incident,
                                           .reason = redact(verdict_reason(request)),
                                           .by = "link given to " + claim->given_to});
    return noted ? verdict_noted(*claim) : verdict_refused(503, noted.error().message);
}

HttpResponse Api::get(const HttpRequest& request) {
    const std::string& path = request.path;
    if (path == "/metrics")
        return {.status = 200,
                .body = backend_.metrics(),
                .content_type = "text/plain; version=0.0.4; charset=utf-8",
                .headers = {}};
    if (path == "/-/healthy" || path == "/-/ready") {
        const std::string why = path == "/-/ready" ? backend_.not_ready() : backend_.not_healthy();
        return plain(why.empty() ? 200 : 503, why.empty() ? "ok\n" : why + "\n");
    }
    if (path == "/api/v1/incidents") return json(200, incidents_json(backend_.incidents()));
    if (path == "/api/v1/diagnosis") {
        auto said = backend_.diagnosis();
        return said ? json(200, *std::move(said)) : problem(503, said.error().message);
    }
    if (path == "/api/v1/observations") return observations(request);
    if (path == "/api/v1/practice") return practice(request);
    if (path == "/api/v1/cordons") return json(200, cordons_json(backend_.cordons()));
    if (path == "/api/v1/actions") return json(200, actions_json(backend_.incidents()));
    if (request.segments.size() == 4 && path.starts_with("/api/v1/incidents/")) {
        const auto found = backend_.incident(request.segments[3]);
        return found ? json(200, incident_json(*found)) : problem(404, found.error().message);
    }
    return problem(404, "no such page; see `medic --help` for what there is");
}

// Costs more and tells more than the rest: only for those who may change something, too.
HttpResponse Api::observations(const HttpRequest& request) {
    if (!tokens_.person(request.header("authorization")))
        return problem(401,
                       "this tells all that was seen: send Authorization: Bearer TOKEN with a token of "
                       "api.token_file");
    constexpr int minutes_max = 120;  // What the store keeps.
    int minutes = 30;
    if (const auto given = request.query_value("minutes")) {
        const char* const last = given->data() + given->size();
        const auto [end, error] = std::from_chars(given->data(), last, minutes);
        if (error != std::errc{} || end != last || minutes < 1 || minutes > minutes_max)
            return problem(400, "minutes: expected 1 … 120");
    }
    constexpr std::int64_t minute_ms = 60'000;
    auto said = backend_.observations(Duration{minutes * minute_ms});
    return said ? json(200, *std::move(said)) : problem(503, said.error().message);
}

// For whoever is about to break something: he must be one who may also stop the agent.
HttpResponse Api::practice(const HttpRequest& request) {
    if (!tokens_.person(request.header("authorization")))
        return problem(401, "this is for drills: send Authorization: Bearer TOKEN with a token of api.token_file");
    const auto named = request.query_value("cluster");
    const auto cluster = cluster_of(Json{{"cluster", named.value_or("")}}, backend_.clusters());
    if (!cluster) return problem(400, cluster.error().message);
    auto said = backend_.practice(*cluster);
    return said ? json(200, *std::move(said)) : problem(503, said.error().message);
}

HttpResponse Api::post(const HttpRequest& request, const std::string& person) {
    const std::string& path = request.path;
    const auto& segments = request.segments;
    if (path == "/api/v1/webhook/alertmanager") return alerts(request, person);
    if (path == "/api/v1/changes") return changes(request, person);
    using Kind = OperatorCommand::Kind;
    if (path == "/api/v1/pause" || path == "/api/v1/resume")
        return command(
            request,
            {.kind = path == "/api/v1/pause" ? Kind::pause : Kind::resume, .target = "", .reason = "", .by = person});
    if (path == "/api/v1/roll") return roll(request, person);
    if (path == "/api/v1/deploy") return deploy(request, person);
    if (path == "/api/v1/cordon" || path == "/api/v1/uncordon") return cordon(request, person);
    // An action's id holds a slash (I17/2); it comes escaped as one segment or as two.
    if (segments.size() >= 5 && path.starts_with("/api/v1/actions/")) {
        const auto kind = kind_of(segments.back());
        std::string id = segments[3];
        for (std::size_t i = 4; i + 1 < segments.size(); ++i) id += "/" + segments[i];
        if (kind) return command(request, {.kind = *kind, .target = id, .reason = "", .by = person});
    }
    if (segments.size() == 5 && path.starts_with("/api/v1/incidents/") && segments[4] == "verdict")
        return command(request, {.kind = Kind::verdict_right, .target = segments[3], .reason = "", .by = person});
    return problem(404, "nothing can be posted there");
}

HttpResponse Api::command(const HttpRequest& request, OperatorCommand command) {
    const Json body = request.body.empty() ? Json::object() : foreign_json(request.body);
    if (!body.is_object()) return problem(400, "expected a JSON object, or no body");
    using Kind = OperatorCommand::Kind;
    command.reason = redact(text_of(body, "reason"), 1'000);
    if (command.kind == Kind::pause || command.kind == Kind::resume) {
        command.target = text_of(body, "cluster");
        const auto clusters = backend_.clusters();
        if (!command.target.empty() && std::ranges::find(clusters, command.target) == clusters.end())
            return problem(400, "cluster " + command.target + " is not in the configuration");
        if (command.kind == Kind::pause && command.reason.empty())
            return problem(400, "a pause needs a `reason`: whoever finds it must know why");
    }
    if (command.kind == Kind::verdict_right) {
        const std::string verdict = text_of(body, "verdict");
        if (verdict != "right" && verdict != "wrong") return problem(400, "verdict: expected right or wrong");
        if (verdict == "wrong") command.kind = Kind::verdict_wrong;
    }
    return of(backend_.command(std::move(command)));
}

HttpResponse Api::roll(const HttpRequest& request, const std::string& person) {
    const Json body = foreign_json(request.body);
    if (!body.is_object())
        return problem(400, R"(expected {"cluster": …, "role": "broker", "nodes": […], "reason": …})");
    const auto cluster = cluster_of(body, backend_.clusters());
    if (!cluster) return problem(400, cluster.error().message);
    OperatorCommand command{.kind = OperatorCommand::Kind::roll,
                            .target = *cluster,
                            .reason = redact(text_of(body, "reason"), 1'000),
                            .by = person,
                            .role = text_of(body, "role")};
    if (command.reason.empty()) return problem(400, "a roll needs a `reason`: whoever sees it must know why");
    // Whoever misspells `dry_run` would roll.
    constexpr auto keys = std::to_array<std::string_view>({"cluster", "role", "nodes", "dry_run", "reason"});
    if (auto refused = unknown_key(body, keys)) return *std::move(refused);
    if (auto refused = read_dry_run(body, command.deployment)) return *std::move(refused);
    if (const Json* nodes = json_member(body, "nodes")) {
        // An empty list is a script's mistake more often than a wish for all of them.
        if (!nodes->is_array() || nodes->empty())
            return problem(400, "nodes: expected a list of names; leave it out to roll all of the role");
        for (const Json& node : *nodes) {
            if (!node.is_string()) return problem(400, "nodes: expected names");
            command.nodes.push_back(node.get<std::string>());
        }
    }
    return of(backend_.command(std::move(command)));
}

HttpResponse Api::deploy(const HttpRequest& request, const std::string& person) {
    const Json body = foreign_json(request.body);
    if (!body.is_object())
        return problem(400, R"(expected {"cluster": …, "job": …, "version": …, "reason": …, "dry_run": false})");
    const auto cluster = cluster_of(body, backend_.clusters());
    if (!cluster) return problem(400, cluster.error().message);
    OperatorCommand command{.kind = OperatorCommand::Kind::deploy,
                            .target = *cluster,
                            .reason = redact(text_of(body, "reason"), 1'000),
                            .by = person};
    if (command.reason.empty()) return problem(400, "a deployment needs a `reason`: whoever sees it must know why");
    // Whoever misspells `dry_run` would deploy.
    constexpr auto keys =
        std::to_array<std::string_view>({"cluster", "job", "version", "from", "accept", "dry_run", "reason"});
    if (auto refused = unknown_key(body, keys)) return *std::move(refused);
    DeploymentWish& wish = command.deployment;
    wish.job = text_of(body, "job");
    wish.version = text_of(body, "version");
    wish.from = text_of(body, "from");
    if (auto refused = read_dry_run(body, wish)) return *std::move(refused);
    if (const Json* accept = json_member(body, "accept")) {
        if (!accept->is_array()) return problem(400, "accept: expected a list of doubts");
        for (const Json& doubt : *accept) {
            if (!doubt.is_string()) return problem(400, "accept: expected names of doubts");
            wish.accept.insert(doubt.get<std::string>());
        }
    }
    return of(backend_.command(std::move(command)));
}

HttpResponse Api::cordon(const HttpRequest& request, const std::string& person) {
    const bool keep_out = request.path == "/api/v1/cordon";
    const Json body = foreign_json(request.body);
    if (!body.is_object()) return problem(400, R"(expected {"cluster": …, "node": …, "reason": …})");
    const auto cluster = cluster_of(body, backend_.clusters());
    if (!cluster) return problem(400, cluster.error().message);
    constexpr auto keys = std::to_array<std::string_view>({"cluster", "node", "reason"});
    if (auto refused = unknown_key(body, keys)) return *std::move(refused);
    OperatorCommand command{.kind = keep_out ? OperatorCommand::Kind::cordon : OperatorCommand::Kind::uncordon,
                            .target = *cluster,
                            .reason = redact(text_of(body, "reason"), 1'000),
                            .by = person,
                            .nodes = {text_of(body, "node")}};
    if (command.nodes.front().empty()) return problem(400, "node: expected its name in medic.yaml");
    if (keep_out && command.reason.empty())
        return problem(400, "a cordon needs a `reason`: whoever finds it must know why");
    return of(backend_.command(std::move(command)));
}

HttpResponse Api::alerts(const HttpRequest& request, const std::string& person) {
    auto alerts = read_alertmanager(request.body, backend_.clusters());
    if (!alerts) return problem(400, alerts.error().message);
    std::size_t unknown = 0;
    for (Alert& alert : *alerts) {
        alert.received_from = person;
        if (alert.subject.kind.empty()) ++unknown;
    }
    const std::size_t count = alerts->size();
    const Status kept = backend_.accept(*std::move(alerts));
    if (!kept) return of(kept);
    return json(200, dump({{"schema", 1}, {"accepted", count}, {"without_known_subject", unknown}}));
}

// Nobody forgets to end a maintenance for longer than a day.
constexpr std::int64_t maintenance_minutes_max = 24 * 60;

HttpResponse Api::changes(const HttpRequest& request, const std::string& person) {
    const Json body = foreign_json(request.body);
    if (!body.is_object())
        return problem(400, R"(expected {"cluster": …, "subject": "job/NAME", "kind": "deployment", "version": …})");
    ChangeNotice change;
    const auto cluster = cluster_of(body, backend_.clusters());
    if (!cluster) return problem(400, cluster.error().message);
    change.subject = parse_subject(*cluster, text_of(body, "subject"));
    if (change.subject.kind.empty()) return problem(400, "subject: expected KIND/NAME, for example job/fleet-monitor");
    change.kind = text_of(body, "kind").empty() ? "deployment" : text_of(body, "kind");
    const bool maintenance = change.kind == "maintenance";
    if (change.kind != "deployment" && change.kind != "config-change" && !maintenance)
        return problem(400, "kind: expected deployment, config-change or maintenance");
    change.version = text_of(body, "version").substr(0, 256);
    change.version_before = text_of(body, "version_before").substr(0, 256);
    change.text = redact(text_of(body, "text"), 4'096);
    change.by = person;
    change.at = backend_.now();
    if (maintenance) {
        const auto minutes = body.find("minutes");
        if (minutes == body.end() || !minutes->is_number_integer() || minutes->get<std::int64_t>() < 1 ||
            minutes->get<std::int64_t>() > maintenance_minutes_max)
            return problem(400, "minutes: expected 1 … 1440, how long the maintenance may last");
        constexpr std::int64_t minute_ms = 60'000;
        change.until = change.at + Duration{minutes->get<std::int64_t>() * minute_ms};
    }
    return of(backend_.change(std::move(change)));
}

}  // namespace medic
