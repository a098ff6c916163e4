#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <utility>

#include "agent/collectors/flink/parse_internal.h"

namespace medic::flink_read {

using namespace json_read;

Result<std::vector<Job>> jobs(const Json& overview) {
    const Json* list = member(overview, "jobs");
    if (list == nullptr || !list->is_array()) return fail(ErrorCode::invalid, "/jobs/overview: no list `jobs`");
    std::map<std::string, Job> by_name;
    std::map<std::string, std::size_t> living;
    for (const Json& entry : *list) {
        Job job{.id = text(entry, "jid"),
                .name = text(entry, "name"),
                .state = text(entry, "state"),
                .start_ms = integer(entry, "start-time").value_or(0),
                .vertices = {}};
        if (job.id.empty() || job.state.empty()) continue;
        if (const auto lasts = integer(entry, "duration"); lasts && !job.terminal())
            job.told_at_ms = job.start_ms + *lasts;
        if (const auto ended = integer(entry, "end-time"); job.terminal())
            job.ended_ms = ended && *ended > 0 ? *ended : job.start_ms;
        if (const Json* tasks = member(entry, "tasks"); tasks != nullptr && !job.terminal()) {
            job.tasks_scheduled = number(*tasks, "scheduled");
            job.tasks_running = number(*tasks, "running");
        }
        if (job.name.empty()) job.name = job.id;
        if (!job.terminal()) ++living[job.name];
        const auto known = by_name.find(job.name);
        const auto rank = [](const Job& j) { return std::pair(!j.terminal(), j.start_ms); };
        if (known == by_name.end() || rank(known->second) < rank(job)) by_name[job.name] = std::move(job);
    }
    std::vector<Job> all;
    for (auto& [name, job] : by_name) {
        if (living[name] > 1) job.living_namesakes = living[name] - 1;
        all.push_back(std::move(job));
    }
    std::ranges::stable_sort(all, std::greater{},
                             [](const Job& job) { return std::pair(!job.terminal(), job.ended_ms); });
    return all;
}

WallTime on_flinks_clock(const Job& job, WallTime time, WallTime looked_at) {
    // The list may be some seconds old (Flink keeps it for web.refresh-interval, 3 s): that is no difference.
    constexpr Duration same{15'000};
    if (job.told_at_ms == 0) return time;
    const Duration ahead = WallTime{job.told_at_ms} - looked_at;
    return ahead > -same && ahead < same ? time : time + ahead;
}

void job_state(const Into& into, const Job& job) {
    into.states.tell(into.observation, job.name, "flink_job_state",
                     {{"cluster", into.cluster}, {"job", job.name}, {"state", job.state}});
    for (const auto& [state, tasks] : {std::pair{"SCHEDULED", job.tasks_scheduled}, {"RUNNING", job.tasks_running}})
        if (tasks)
            into.observation.sample("flink_job_tasks", {{"cluster", into.cluster}, {"job", job.name}, {"state", state}},
                                    *tasks);
    auto& attributes = into.observation.attributes[into.subject("job", job.name)];
    attributes["id"] = job.id;
    attributes["state"] = job.state;
    attributes["start_time"] = std::to_string(job.start_ms);
}

void job_details(const Into& into, const Json& answer, Job& job, std::size_t vertices_max) {
    std::map<std::string, int> names;
    for (const Json& entry : array(answer, "vertices")) {
        if (job.vertices.size() >= vertices_max) {
            into.observation.lacks("job " + job.name + ": more than " + std::to_string(vertices_max) + " vertices");
            break;
        }
        Vertex vertex{.id = text(entry, "id"),
                      .name = text(entry, "name"),
                      .flink_name = text(entry, "name"),
                      .parallelism = static_cast<std::size_t>(std::max(0.0, number(entry, "parallelism").value_or(0)))};
        if (vertex.id.empty()) continue;
        for (const char* part : {"status", "start-time", "tasks", "metrics"})
            if (const Json* said = member(entry, part)) vertex.told += said->dump() + ' ';
        if (vertex.name.empty()) vertex.name = vertex.id;
        if (names[vertex.name]++ > 0) vertex.name += "#" + vertex.id.substr(0, 8);
        job.parallelism_max = std::max(job.parallelism_max, vertex.parallelism);
        into.observation.attributes[into.subject("vertex", job.name + "/" + vertex.name)] = {
            {"id", vertex.id}, {"parallelism", std::to_string(vertex.parallelism)}, {"state", text(entry, "status")}};
        into.observation.relations.push_back(
            {into.subject("vertex", job.name + "/" + vertex.name), "vertex-of", into.subject("job", job.name)});
        job.vertices.push_back(std::move(vertex));
    }
    if (job.parallelism_max > 0)
        into.observation.sample("flink_job_parallelism", {{"cluster", into.cluster}, {"job", job.name}},
                                static_cast<double>(job.parallelism_max));
}

void parallelism_bounds(const Into& into, const Json& answer, const Job& job) {
    if (!answer.is_object()) return;
    std::string bounds;
    for (const auto& [id, vertex] : answer.items()) {
        const Json* parallelism = member(vertex, "parallelism");
        const auto upper = parallelism != nullptr ? integer(*parallelism, "upperBound") : std::nullopt;
        if (!upper) return;  // Some of them say nothing of the whole.
        bounds += (bounds.empty() ? "" : ",") + std::to_string(*upper);
    }
    if (!bounds.empty()) into.observation.attributes[into.subject("job", job.name)]["parallelism_bounds"] = bounds;
}

void job_metrics(const Into& into, const Json& answer, const Job& job) {
    if (!answer.is_array()) return;
    for (const Json& entry : answer) {
        const auto value = number_in_text(text(entry, "value"));
        if (!value) continue;
        const std::string id = text(entry, "id");
        if (id == "numRestarts")
            into.observation.sample("flink_job_restarts_total", {{"cluster", into.cluster}, {"job", job.name}}, *value);
    }
}

void job_config(const Into& into, const Json& answer, const Job& job) {
    const Json* execution = member(answer, "execution-config");
    if (execution == nullptr) return;
    auto& attributes = into.observation.attributes[into.subject("job", job.name)];
    if (const Json* user = member(*execution, "user-config"); user != nullptr && user->is_object()) {
        for (const auto& [key, value] : user->items()) {
            if (!value.is_string() || attributes.size() > 64) continue;
            if (key == "version") attributes["version"] = value.get<std::string>();
        }
    }
    attributes["restart_strategy"] = text(*execution, "restart-strategy");
}

void running_version(const Into& into, const Json& answer, const Job& job,
                     const std::map<std::string, std::string>& artifacts) {
    std::map<std::string, int> doubled;  // Versions that share a file name can't be told apart.
    for (const auto& [version, name] : artifacts) ++doubled[name];
    std::int64_t newest_ms = 0;
    std::string running;
    for (const Json& file : array(answer, "files")) {
        const std::string name = text(file, "name");
        const auto uploaded = integer(file, "uploaded");
        if (!uploaded || *uploaded > job.start_ms || *uploaded < newest_ms || doubled[name] != 1) continue;
        newest_ms = *uploaded;
        for (const auto& [version, artifact] : artifacts)
            if (artifact == name) running = version;
    }
    if (!running.empty()) into.observation.attributes[into.subject("job", job.name)]["version"] = running;
}

void task_managers(const Into& into, const Json& answer, std::vector<std::string>& seen,
                   std::map<std::string, double>& heartbeats_ms) {
    for (const Json& entry : array(answer, "taskmanagers")) {
        const std::string id = text(entry, "id");
        if (id.empty()) continue;
        seen.push_back(id);
        const std::vector<LabelPair> labels = {{"cluster", into.cluster}, {"taskmanager", id}};
        into.observation.sample("flink_taskmanager_registered", labels, 1);
        // Flink names it "time since", and gives the moment (since 1970, in ms). Small values are taken as the age they
        // claim to be.
        if (const auto beat = number(entry, "timeSinceLastHeartbeat"); beat && *beat > 0) {
            constexpr double year_2001_ms = 1e12;
            if (*beat > year_2001_ms)
                heartbeats_ms[id] = *beat;
            else
                into.observation.sample("flink_taskmanager_heartbeat_age_seconds", labels, *beat / 1000);
        }
        if (const auto slots = number(entry, "slotsNumber"))
            into.observation.sample("flink_taskmanager_slots", labels, *slots);
        if (const auto free = number(entry, "freeSlots"))
            into.observation.sample("flink_taskmanager_free_slots", labels, *free);
        auto& attributes = into.observation.attributes[into.subject("taskmanager", id)];
        attributes["path"] = text(entry, "path");
        if (const auto port = integer(entry, "dataPort")) attributes["data_port"] = std::to_string(*port);
        // pekko.tcp://flink@127.0.0.1:36901/user/rpc/taskmanager_0 → its RPC address, by which its process is found.
        const std::string& path = attributes["path"];
        if (const auto from = path.find('@'); from != std::string::npos)
            attributes["address"] = path.substr(from + 1, path.find('/', from) - from - 1);
    }
}

std::optional<double> slots_in_use(const Json& answer) {
    double in_use = 0;
    for (const Json& entry : array(answer, "taskmanagers")) {
        const auto slots = number(entry, "slotsNumber"), free = number(entry, "freeSlots");
        if (!slots || !free) return std::nullopt;
        in_use += *slots - *free;
    }
    return in_use;
}

namespace {

// The value of a job manager's setting in small letters; "" where it is not set.
std::string setting(const Json& settings, std::string_view key) {
    for (const Json& one : settings) {
        if (text(one, "key") != key) continue;
        std::string value = text(one, "value");
        std::ranges::transform(value, value.begin(), [](unsigned char letter) { return std::tolower(letter); });
        return value;
    }
    return {};
}

}  // namespace

std::optional<bool> highly_available(const Json& settings) {
    // Flink's names of one setting, the newest first; unset means NONE.
    constexpr std::array keys{"high-availability.type", "high-availability", "high-availability.mode"};
    if (!settings.is_array()) return std::nullopt;
    return std::ranges::any_of(keys, [&](const char* key) {
        const std::string value = setting(settings, key);
        return !value.empty() && value != "none";
    });
}

std::string scheduler(const Json& settings) {
    if (!settings.is_array()) return {};
    if (setting(settings, "scheduler-mode") == "reactive") return "reactive";
    return setting(settings, "jobmanager.scheduler") == "adaptive" ? "adaptive" : "default";
}

std::string manager_process(const Json& settings) {
    const std::string folder = settings.is_array() ? setting(settings, "web.tmpdir") : "";
    return folder.find("flink-web-") == std::string::npos ? "" : folder;
}

}  // namespace medic::flink_read
