#include "engine/connect/rest.h"

#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

#include "agent/base/url.h"
#include "engine/connect/plugin.h"
#include "engine/connect/rest_offsets.h"

namespace medic::engine::connect {
namespace {

using nlohmann::json;

// The release whose REST API this is; what reads it decides by it what it may use.
constexpr std::string_view api_version = "3.9.1";

std::string text_of(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

HttpResponse reply(int status, const json& document) { return {status, text_of(document), "application/json", {}}; }
HttpResponse empty(int status) { return {status, "", "application/json", {}}; }
HttpResponse refusal(const Refusal& why) {
    return reply(why.status, {{"error_code", why.status}, {"message", why.message}});
}
HttpResponse not_found() { return refusal({404, "HTTP 404 Not Found"}); }
HttpResponse not_allowed() { return refusal({405, "HTTP 405 Method Not Allowed"}); }

json config_json(const Config& config) {
    json object = json::object();
    for (const auto& [name, value] : config) object[name] = value;
    return object;
}

json info_json(const ConnectorInfo& info) {
    json tasks = json::array();
    for (const int task : info.tasks) tasks.push_back({{"connector", info.name}, {"task", task}});
    return {
        {"name", info.name}, {"config", config_json(info.config)}, {"tasks", tasks}, {"type", to_string(info.type)}};
}

json task_json(const TaskStatus& task, const std::string& worker_id) {
    json object = {{"id", task.id}, {"state", to_string(task.state)}, {"worker_id", worker_id}};
    if (!task.trace.empty()) object["trace"] = task.trace;
    return object;
}

json status_json(const ConnectorStatus& status, const std::string& worker_id) {
    json tasks = json::array();
    for (const auto& task : status.tasks) tasks.push_back(task_json(task, worker_id));
    json connector = {{"state", to_string(status.state)}, {"worker_id", worker_id}};
    if (!status.trace.empty()) connector["trace"] = status.trace;
    return {{"name", status.name}, {"connector", connector}, {"tasks", tasks}, {"type", to_string(status.type)}};
}

// A JSON object of strings, as Connect takes it; nullopt: it is something else.
std::optional<Config> parse_config(const json& document) {
    if (!document.is_object()) return std::nullopt;
    Config config;
    for (const auto& [name, value] : document.items()) {
        if (value.is_string())
            config[name] = value.get<std::string>();
        else if (value.is_number() || value.is_boolean())
            config[name] = value.dump();
        else if (!value.is_null())
            return std::nullopt;
    }
    return config;
}

std::optional<int> parse_task(std::string_view text) {
    int task = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), task);
    if (error != std::errc{} || end != text.data() + text.size() || task < 0) return std::nullopt;
    return task;
}

bool flag(const HttpRequest& request, std::string_view name) { return request.query_value(name) == "true"; }

class Rest {
public:
    Rest(Herder& herder, std::function<std::string()> cluster_id)
        : herder_(herder), cluster_id_(std::move(cluster_id)) {}

    HttpResponse handle(const HttpRequest& request) {
        const auto& path = request.segments;
        if (path.empty()) return request.method == "GET" ? root() : not_allowed();
        if (const auto type = request.header("content-type");
            !type.empty() && request.method != "GET" && !type.starts_with("application/json"))
            return refusal({415, "HTTP 415 Unsupported Media Type"});
        if (path[0] == "health" && path.size() == 1)
            return reply(200, {{"status", "healthy"},
                               {"message", "Worker has completed startup and is ready to handle requests."}});
        if (path[0] == "connector-plugins") return plugin_list(request);
        if (path[0] != "connectors") return not_found();
        if (path.size() == 1) return collection(request);
        if (path.size() == 2) return one(request, path[1]);
        if (path[2] == "tasks") return tasks(request, path[1]);
        if (path.size() == 3) return part(request, path[1], path[2]);
        return not_found();
    }

private:
    HttpResponse root() {
        return reply(200, {{"version", api_version}, {"commit", "medic-engine"}, {"kafka_cluster_id", cluster_id_()}});
    }

    static HttpResponse plugin_list(const HttpRequest& request) {
        if (request.segments.size() != 1) return not_found();
        if (request.method != "GET") return not_allowed();
        json all = json::array();
        for (const auto& plugin : plugins())
            all.push_back({{"class", plugin.class_name}, {"type", to_string(plugin.type)}, {"version", api_version}});
        return reply(200, all);
    }

    HttpResponse collection(const HttpRequest& request) {
        if (request.method == "POST") return create(request);
        if (request.method != "GET") return not_allowed();
        const auto expand = request.query_values("expand");
        if (expand.empty()) return reply(200, herder_.connectors());
        json all = json::object();
        for (const auto& name : herder_.connectors()) {
            json entry = json::object();
            for (const auto what : expand) {
                if (what == "status") {
                    if (const auto status = herder_.status(name)) entry["status"] = status_json(*status, worker_id());
                } else if (what == "info") {
                    if (const auto info = herder_.info(name)) entry["info"] = info_json(*info);
                }
            }
            all[name] = std::move(entry);
        }
        return reply(200, all);
    }

    HttpResponse create(const HttpRequest& request) {
        const json document = json::parse(request.body, nullptr, false);
        if (!document.is_object() || !document.contains("config"))
            return refusal({400, "expected {\"name\": …, \"config\": {…}}"});
        const auto config = parse_config(document["config"]);
        std::string name =
            document.contains("name") && document["name"].is_string() ? document["name"].get<std::string>() : "";
        if (name.empty() && config) name = text_option(*config, "name");
        if (!config || name.empty()) return refusal({400, "expected a name and a config object of strings"});
        if (config->contains("name") && config->at("name") != name)
            return refusal({400, "Connector name configuration (" + config->at("name") +
                                     ") doesn't match connector name in the URL (" + name + ")"});
        State target = State::running;
        if (document.contains("initial_state")) {
            const auto& initial = document["initial_state"];
            const auto state = initial.is_string() ? parse_state(initial.get<std::string>()) : std::nullopt;
            if (state != State::running && state != State::paused && state != State::stopped)
                return refusal({400, "initial_state: RUNNING, PAUSED or STOPPED expected"});
            target = *state;
        }
        if (const auto put = herder_.put(name, *config, Herder::IfThere::refuse, target); !put)
            return refusal(put.error());
        HttpResponse made = show_info(name, 201);
        made.headers.emplace_back("location", "/connectors/" + url_encode(name));
        return made;
    }

    HttpResponse one(const HttpRequest& request, const std::string& name) {
        if (request.method == "GET") return show_info(name, 200);
        if (request.method == "DELETE") return done(herder_.remove(name), 204);
        return not_allowed();
    }

    HttpResponse part(const HttpRequest& request, const std::string& name, const std::string& what) {
        const bool get = request.method == "GET", put = request.method == "PUT";
        if (what == "status" && get) {
            const auto status = herder_.status(name);
            return status ? reply(200, status_json(*status, worker_id())) : refusal(status.error());
        }
        if (what == "config" && get) {
            const auto info = herder_.info(name);
            return info ? reply(200, config_json(info->config)) : refusal(info.error());
        }
        if (what == "config" && put) return put_config(request, name);
        if (what == "restart" && request.method == "POST") return restart(request, name);
        if (what == "pause" && put) return done(herder_.set_target(name, State::paused), 202);
        if (what == "resume" && put) return done(herder_.set_target(name, State::running), 202);
        if (what == "stop" && put) return done(herder_.set_target(name, State::stopped), 204);
        if (what == "topics" && get) {
            const auto topics = herder_.topics(name);
            return topics ? reply(200, {{name, {{"topics", *topics}}}}) : refusal(topics.error());
        }
        if (what == "offsets") return offsets(request, name);
        for (const char* known : {"status", "config", "restart", "pause", "resume", "stop", "topics"})
            if (what == known) return not_allowed();
        return not_found();
    }

    HttpResponse offsets(const HttpRequest& request, const std::string& name) {
        if (request.method == "GET") {
            const auto offsets = herder_.offsets_json(name);
            return offsets ? HttpResponse{200, *offsets, "application/json", {}} : refusal(offsets.error());
        }
        const auto told = [](const Answer<std::string>& message) {
            return message ? reply(200, {{"message", *message}}) : refusal(message.error());
        };
        if (request.method == "DELETE") return told(herder_.reset_offsets(name));
        if (request.method != "PATCH") return not_allowed();
        const auto wanted = parse_offsets(request.body);
        return wanted ? told(herder_.alter_offsets(name, *wanted)) : refusal(wanted.error());
    }

    HttpResponse put_config(const HttpRequest& request, const std::string& name) {
        const auto config = parse_config(json::parse(request.body, nullptr, false));
        if (!config) return refusal({400, "expected a JSON object of strings"});
        if (config->contains("name") && config->at("name") != name)
            return refusal({400, "Connector name configuration (" + config->at("name") +
                                     ") doesn't match connector name in the URL (" + name + ")"});
        const auto put = herder_.put(name, *config, Herder::IfThere::update);
        if (!put) return refusal(put.error());
        return show_info(name, *put == Herder::Put::created ? 201 : 200);
    }

    HttpResponse restart(const HttpRequest& request, const std::string& name) {
        const Herder::Restart what{flag(request, "includeTasks"), flag(request, "onlyFailed")};
        const auto status = herder_.restart_connector(name, what);
        if (!status) return refusal(status.error());
        // As Connect: only with a query it answers with the restart's plan.
        if (!what.include_tasks && !what.only_failed) return empty(204);
        return reply(202, status_json(*status, worker_id()));
    }

    HttpResponse tasks(const HttpRequest& request, const std::string& name) {
        const auto& path = request.segments;
        if (path.size() == 3) return request.method == "GET" ? task_list(name) : not_allowed();
        const auto task = parse_task(path[3]);
        if (path.size() != 5 || !task) return not_found();
        if (path[4] == "restart") {
            if (request.method != "POST") return not_allowed();
            return done(herder_.restart_task({name, *task}), 204);
        }
        if (path[4] != "status") return not_found();
        if (request.method != "GET") return not_allowed();
        if (const auto status = herder_.status(name)) {
            for (const auto& entry : status->tasks)
                if (entry.id == *task) return reply(200, task_json(entry, worker_id()));
        }
        return refusal({404, "No status found for task " + to_string(TaskKey{name, *task})});
    }

    HttpResponse task_list(const std::string& name) {
        const auto info = herder_.info(name);
        if (!info) return refusal(info.error());
        json all = json::array();
        for (const int task : info->tasks)
            all.push_back({{"id", {{"connector", name}, {"task", task}}}, {"config", config_json(info->config)}});
        return reply(200, all);
    }

    HttpResponse show_info(const std::string& name, int status) {
        const auto info = herder_.info(name);
        return info ? reply(status, info_json(*info)) : refusal(info.error());
    }

    static HttpResponse done(const Answer<void>& answer, int status) {
        return answer ? empty(status) : refusal(answer.error());
    }

    const std::string& worker_id() const { return herder_.options().worker_id; }

    Herder& herder_;
    std::function<std::string()> cluster_id_;
};

}  // namespace

HttpHandler make_rest(Herder& herder, std::function<std::string()> cluster_id) {
    return [rest = std::make_shared<Rest>(herder, std::move(cluster_id))](const HttpRequest& request) {
        return rest->handle(request);
    };
}

}  // namespace medic::engine::connect
