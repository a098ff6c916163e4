#include "agent/collectors/connect/connect.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "agent/base/redact.h"
#include "agent/base/url.h"
#include "agent/collectors/json_internal.h"
#include "agent/collectors/state_memory.h"
#include "agent/store/fact.h"

namespace medic {

using namespace json_read;

struct ConnectCollector::Look {
    Observation observation;
    std::map<std::string, bool> reachable;  // By worker; absent: not answered yet.
    std::map<std::string, bool> herder;     // Likewise: what only its herder thread can answer.
    std::size_t asked = 0;                  // Index of the worker that was asked for the connectors.
    bool told = false;
    bool rebalancing = false;
};

namespace {

// From when on a connector or task is FAILED.
struct Failure {
    WallTime since;
    std::uint64_t told_in = 0;  // The last look that said so.
};
using Failures = std::map<Subject, Failure>;

}  // namespace

struct ConnectCollector::Memory {
    StateMemory states;
    Failures failures;
    std::uint64_t looks = 0;                         // That told of the connectors.
    std::map<std::string, std::string> task_states;  // For state-change events; key "connector/task".
    std::size_t preferred = 0;                       // The worker that answered last time.
    std::string connector;                           // One that is there; "" when none is known.
    std::set<std::string> herder_answered;           // Workers, since they were last unreachable.
    // By connector and setting: a hash of its value, which is not kept: logins stand there.
    std::map<std::string, std::map<std::string, std::size_t>> settings;
    std::map<std::string, WallTime> halted_sinks;  // When they were last STOPPED, or with a task that FAILED.
};

namespace {

// Takes the herder a millisecond; it may be at something else for a moment (a connector's validation, a rebalance).
constexpr Duration herder_patience{3'000};

// The list has every connector's settings, and a trace for each task that failed. A worker that gives no answer is told
// as soon as with any other question.
constexpr std::size_t list_bytes_max = 64 * 1024 * 1024;
constexpr Duration list_patience{3'000};

constexpr std::size_t settings_max = 500;  // Of one connector.

// A few sinks that stand still, or did lately, are asked how far they have come; many at once have another cause than
// one record.
constexpr std::size_t halted_sinks_max = 10;
constexpr Duration halted_lately{10 * 60'000};
constexpr std::size_t offsets_max = 1'000;  // Partitions of one sink.

struct TaskStates {
    std::size_t count = 0;
    std::string failed;  // Numbers: "0,3".
    std::string all;     // RUNNING: the connector and every task; else the worst of them.
};

// What the connector and its tasks are in, taken together.
TaskStates states_of(const std::string& own, const std::vector<std::pair<std::string, std::string>>& tasks) {
    TaskStates states{.count = tasks.size(), .failed = {}, .all = tasks.empty() ? "no tasks" : own};
    for (const auto& [number, state] : tasks) {
        if (state == "FAILED") states.failed += (states.failed.empty() ? "" : ",") + number;
        if (states.all == "RUNNING" || (state == "FAILED" && !states.all.empty())) states.all = state;
    }
    return states;
}

// Everything that reading one answer needs.
struct Reader {
    const ConnectCollectorOptions& options;
    Observation& observation;
    StateMemory& states;
    std::map<std::string, std::string>& task_states;
    std::map<std::string, std::map<std::string, std::size_t>>& settings;
    std::map<std::string, WallTime>& halted_sinks;
    Failures& failures;
    std::uint64_t look_number;

    [[nodiscard]] Subject subject(std::string kind, std::string name) const {
        return {options.cluster, std::move(kind), std::move(name)};
    }
    void connector(const std::string& name, const Json& entry);
    void task(const std::string& connector, const Json& entry);
    void topics(const std::string& connector, const Json& info);
    void changed_settings(const std::string& connector, const Json& config);
    void look_at(const std::string& connector, const Json& config, const TaskStates& tasks);
    void exception(const Subject& about, const Json& status);
};

// Connect gives no time of a failure: it is the look's that first saw it FAILED. The same trace is one event until it
// is not FAILED any more, and another one when it fails that way again. An agent that is started meanwhile takes it for
// a new one.
void Reader::exception(const Subject& about, const Json& status) {
    const std::string state = text(status, "state"), trace = text(status, "trace"), worker = text(status, "worker_id");
    if (state.empty()) return;
    if (state != "FAILED") {
        failures.erase(about);
        return;
    }
    Failure& failure = failures.try_emplace(about, observation.at).first->second;
    failure.told_in = look_number;
    if (trace.empty()) return;
    const auto hash = std::hash<std::string>{}(trace);
    Event event{
        .at = observation.at,
        .subject = about,
        .kind = "exception",
        .text = redact(trace),
        .fields = {{"worker", worker}},
        .id = to_string(about) + "/exception/" + std::to_string(failure.since.unix_ms) + "/" + std::to_string(hash)};
    event.fields["exception"] = event.text.substr(0, event.text.find_first_of(":\n"));
    observation.events.push_back(std::move(event));
}

void Reader::task(const std::string& connector, const Json& entry) {
    const auto id = integer(entry, "id");
    const std::string state = text(entry, "state"), worker = text(entry, "worker_id");
    if (!id || state.empty()) return observation.lacks("connector " + connector + ": a task without id or state");
    const std::string number = std::to_string(*id), key = connector + "/" + number;
    const Subject about = subject("connector-task", key);
    states.tell(observation, key, "connect_task_state",
                {{"cluster", options.cluster},
                 {"connector", connector},
                 {"task", number},
                 {"state", state},
                 {"worker", worker}});
    std::string& before = task_states[key];
    if (!before.empty() && before != state)
        observation.events.push_back({.at = observation.at,
                                      .subject = about,
                                      .kind = "state-change",
                                      .text = before + " → " + state,
                                      .fields = {{"from", before}, {"to", state}, {"worker", worker}},
                                      .id = to_string(about) + "/state/" + std::to_string(observation.at.unix_ms)});
    before = state;
    exception(about, entry);
    observation.relations.push_back({about, "task-of", subject("connector", connector)});
    if (!worker.empty()) observation.relations.push_back({about, "runs-on", subject("worker", worker)});
    observation.attributes[about] = {{"state", state}, {"worker", worker}};
}

void Reader::topics(const std::string& connector, const Json& info) {
    const Json* config = member(info, "config");
    if (config == nullptr) return;
    const bool sink = text(info, "type") == "sink";
    std::string list = text(*config, sink ? "topics" : "topic");
    for (std::size_t from = 0; from < list.size();) {
        const auto comma = std::min(list.find(',', from), list.size());
        std::string topic = list.substr(from, comma - from);
        std::erase(topic, ' ');
        if (!topic.empty())
            observation.relations.push_back(
                {subject("connector", connector), sink ? "reads" : "writes", subject("topic", topic)});
        from = comma + 1;
    }
    auto& attributes = observation.attributes[subject("connector", connector)];
    attributes["class"] = text(*config, "connector.class");
    attributes["type"] = text(info, "type");
    if (options.longest_call.count() > 0) attributes["longest_call_ms"] = std::to_string(options.longest_call.count());
    changed_settings(connector, *config);
}

// A connector whose settings are others than at the look before was deployed anew. Which ones is told, not their
// values.
void Reader::changed_settings(const std::string& connector, const Json& config) {
    if (!config.is_object() || config.empty()) return;
    constexpr std::size_t told_max = 20;
    std::map<std::string, std::size_t> now;
    // Connect's settings are texts. What is none of its kind is left: a list or an object may be of any size.
    for (const auto& [name, setting] : config.items())
        if (setting.is_primitive() && now.size() < settings_max)
            now[name] =
                std::hash<std::string>{}(name + "=" + setting.dump(-1, ' ', false, Json::error_handler_t::replace));
    std::map<std::string, std::size_t> before = std::exchange(settings[connector], now);
    if (before.empty() || before == now) return;
    std::set<std::string> names;
    for (const auto& [name, hash] : now)
        if (const auto known = before.find(name); known == before.end() || known->second != hash) names.insert(name);
    for (const auto& [name, hash] : before)
        if (!now.contains(name)) names.insert(name);
    std::string list;
    for (const std::string& name : names)
        if (static_cast<std::size_t>(std::ranges::count(list, ',')) < told_max)
            list += (list.empty() ? "" : ", ") + name;
    const Subject about = subject("connector", connector);
    // No hash in its identity: ids are shown and journalled, and logins went into the hashes.
    observation.events.push_back({.at = observation.at,
                                  .subject = about,
                                  .kind = "config-change",
                                  .text = "settings changed: " + list,
                                  .fields = {{"settings", list}},
                                  .id = to_string(about) + "/settings/" + std::to_string(observation.at.unix_ms)});
}

void Reader::look_at(const std::string& connector, const Json& config, const TaskStates& tasks) {
    if (!config.is_object() || config.empty() || config.size() > settings_max) return;
    std::map<std::string, std::string> all;
    for (const auto& [name, setting] : config.items())
        if (setting.is_string()) all[name] = setting.get<std::string>();
    ConnectorLook look{.connector = subject("connector", connector),
                       .settings = without_secrets(all),
                       .withheld_marks = {},
                       .tasks = tasks.count,
                       .runs = tasks.all == "RUNNING"};
    for (const std::string& name : look.settings.withheld)
        look.withheld_marks[name] = std::hash<std::string>{}(all[name]);
    observation.connectors->push_back(std::move(look));
}

void Reader::connector(const std::string& name, const Json& entry) {
    const Json* status = member(entry, "status");
    if (status == nullptr) return observation.lacks("connector " + name + ": no status");
    std::string state;
    if (const Json* own = member(*status, "connector")) {
        state = text(*own, "state");
        if (!state.empty())
            states.tell(observation, name, "connect_connector_state",
                        {{"cluster", options.cluster}, {"connector", name}, {"state", state}});
        observation.attributes[subject("connector", name)]["state"] = state;
        exception(subject("connector", name), *own);
    }
    std::size_t count = 0;
    std::vector<std::pair<std::string, std::string>> tasks;
    for (const Json& entry_of_task : array(*status, "tasks")) {
        if (++count > options.tasks_per_connector_max)
            return observation.lacks("connector " + name + ": too many tasks");
        task(name, entry_of_task);
        if (const auto id = integer(entry_of_task, "id"))
            tasks.emplace_back(std::to_string(*id), text(entry_of_task, "state"));
    }
    const TaskStates together = states_of(state, tasks);
    auto& attributes = observation.attributes[subject("connector", name)];
    if (!together.failed.empty()) attributes["failed_tasks"] = together.failed;
    attributes["state_of_all"] = together.all;
    const Json* info = member(entry, "info");
    if (info == nullptr) return;
    const bool halted = state == "STOPPED" || !together.failed.empty();
    if (halted && text(*info, "type") == "sink") halted_sinks[name] = observation.at;
    topics(name, *info);
    if (const Json* config = member(*info, "config")) look_at(name, *config, together);
}

}  // namespace

std::string authority_of(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    if (const auto sign = url.rfind('@'); sign != std::string_view::npos)
        url.remove_prefix(sign + 1);  // No names, no secrets.
    return std::string(url.substr(0, url.find_first_of("/?")));
}

ConnectCollector::ConnectCollector(ConnectCollectorOptions options)
    : options_(std::move(options)), memory_(std::make_unique<Memory>()) {}
ConnectCollector::~ConnectCollector() = default;

HttpAsk ConnectCollector::ask_connectors(std::size_t worker) const {
    return {.url = options_.urls[worker] + "/connectors?expand=status&expand=info",
            .purpose = "connectors",
            .bytes_max = list_bytes_max,
            .timeout = list_patience};
}

std::vector<HttpAsk> ConnectCollector::begin(WallTime at) {
    look_ = std::make_unique<Look>();
    look_->observation.target = options_.target;
    look_->observation.at = at;
    std::vector<HttpAsk> asks;
    if (options_.urls.empty()) return asks;
    asks.push_back(ask_connectors(memory_->preferred % options_.urls.size()));
    for (const std::string& url : options_.urls) {
        const std::string worker = authority_of(url);
        asks.push_back({url + "/", "worker|" + worker});
        // `/` and the list with its states are answered without the herder thread, one connector only by it.
        if (!memory_->connector.empty())
            asks.push_back({.url = url + "/connectors/" + url_encode(memory_->connector),
                            .purpose = "herder|" + worker,
                            .timeout = herder_patience});
    }
    return asks;
}

std::vector<HttpAsk> ConnectCollector::answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) {
    if (look_ == nullptr) return {};
    Observation& observation = look_->observation;
    if (ask.purpose.starts_with("herder|")) {
        look_->herder[ask.purpose.substr(7)] = has_answered(answer);  // Whatever it says, it has said something.
        return {};
    }
    if (ask.purpose.starts_with("offsets|")) {
        take_offsets(ask.purpose.substr(8), answer);
        return {};
    }
    const auto parsed = document(answer);
    if (ask.purpose.starts_with("worker|")) {
        const std::string worker = ask.purpose.substr(7);
        look_->reachable[worker] = has_answered(answer);
        if (!look_->reachable[worker]) observation.lacks("worker " + worker + ": " + parsed.error().message);
        auto& attributes = observation.attributes[{options_.cluster, "worker", worker}];
        attributes["address"] = worker;
        if (parsed) attributes["version"] = text(*parsed, "version");
        return {};
    }
    constexpr int conflict = 409;  // Connect's word for "a rebalance is under way, ask again".
    if (answer && answer->status == conflict) look_->rebalancing = true;
    if (!parsed || !parsed->is_object()) {
        // Any worker knows the state of all: ask the next one before giving up.
        if (++look_->asked < options_.urls.size())
            return {ask_connectors((memory_->preferred + look_->asked) % options_.urls.size())};
        if (look_->rebalancing) {
            observation.lacks("connectors: a rebalance is under way (HTTP status 409)");
            observation.under_way.push_back({{options_.cluster, "cluster", options_.cluster}, "rebalance", ""});
            return {};
        }
        observation.lacks("connectors: " + (parsed ? std::string("not a JSON object") : parsed.error().message));
        return {};
    }
    memory_->preferred = (memory_->preferred + look_->asked) % options_.urls.size();
    look_->told = true;
    observation.connectors.emplace();
    memory_->connector = parsed->empty() ? "" : parsed->begin().key();
    Reader reader{options_,          observation,           memory_->states,   memory_->task_states,
                  memory_->settings, memory_->halted_sinks, memory_->failures, ++memory_->looks};
    std::size_t count = 0;
    for (const auto& [name, entry] : parsed->items()) {
        if (++count > options_.connectors_max) {
            observation.lacks("more than " + std::to_string(options_.connectors_max) + " connectors");
            break;
        }
        reader.connector(name, entry);
    }
    std::erase_if(memory_->settings, [&](const auto& known) {
        return !observation.attributes.contains({options_.cluster, "connector", known.first});
    });
    std::erase_if(memory_->task_states, [&](const auto& known) {
        return !observation.attributes.contains({options_.cluster, "connector-task", known.first});
    });
    // A look may miss one while tasks are handed out anew.
    std::erase_if(memory_->failures, [&](const auto& known) { return memory_->looks - known.second.told_in > 1; });
    std::erase_if(memory_->halted_sinks, [&](const auto& known) {
        return observation.at - known.second > halted_lately ||
               !observation.attributes.contains({options_.cluster, "connector", known.first});
    });
    return ask_offsets();
}

std::vector<HttpAsk> ConnectCollector::ask_offsets() const {
    std::vector<HttpAsk> asks;
    for (const auto& [sink, at] : memory_->halted_sinks)
        if (asks.size() < halted_sinks_max)
            asks.push_back({.url = options_.urls[memory_->preferred] + "/connectors/" + url_encode(sink) + "/offsets",
                            .purpose = "offsets|" + sink,
                            .timeout = herder_patience});
    return asks;
}

// A worker before 3.5 knows no such path: then nobody knows, which is no fault of the look.
void ConnectCollector::take_offsets(const std::string& connector, const Result<HttpAnswer>& answer) {
    const auto parsed = document(answer);
    if (!parsed || !parsed->is_object()) return;
    const Subject about{options_.cluster, "connector", connector};
    std::size_t count = 0;
    for (const Json& entry : array(*parsed, "offsets")) {
        const Json *partition = member(entry, "partition"), *offset = member(entry, "offset");
        if (partition == nullptr || offset == nullptr || ++count > offsets_max) continue;
        const auto number = integer(*partition, "kafka_partition"), next = integer(*offset, "kafka_offset");
        if (!number || !next) continue;
        const FactKey key = committed_key(about, {.topic = text(*partition, "kafka_topic"), .partition = *number});
        look_->observation.attributes[about][key.name] = std::to_string(*next);
    }
}

// A worker that starts reads its topics first and answers nothing till then: what is told is that it has stopped to
// answer.
void ConnectCollector::herder_answers() {
    for (const auto& [worker, reachable] : look_->reachable)
        if (!reachable) memory_->herder_answered.erase(worker);
    for (const auto& [worker, answered] : look_->herder) {
        if (answered) memory_->herder_answered.insert(worker);
        if (!look_->reachable[worker] || !memory_->herder_answered.contains(worker)) continue;
        look_->observation.sample("connect_worker_herder_answers", {{"cluster", options_.cluster}, {"worker", worker}},
                                  answered ? 1 : 0);
    }
}

Observation ConnectCollector::finish() {
    Observation& observation = look_->observation;
    for (const auto& [worker, reachable] : look_->reachable)
        observation.sample("connect_worker_reachable", {{"cluster", options_.cluster}, {"worker", worker}},
                           reachable ? 1 : 0);
    herder_answers();
    if (!look_->told && !look_->rebalancing) observation.outcome = ScrapeOutcome::failed;
    memory_->states.turn(observation.outcome == ScrapeOutcome::complete);
    Observation done = std::move(observation);
    look_.reset();
    return done;
}

}  // namespace medic
