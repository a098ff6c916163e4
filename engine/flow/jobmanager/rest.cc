// Routing, the cluster, artifacts, and what changes something.
#include "engine/flow/jobmanager/rest_internal.h"

#include <filesystem>
#include <fstream>

#include "engine/flow/runtime/snapshot.h"

namespace medic::engine::flow {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::json;

// What this engine speaks: Flink 1.20's REST and metrics.
constexpr const char* version = "1.20.1";
constexpr const char* commit = "medic-engine";

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

json body_of(const HttpRequest& request) {
    if (request.body.empty()) return json::object();
    json body = json::parse(request.body, nullptr, false);
    return body.is_object() ? body : json();
}

std::string text_of(const json& body, const char* key) {
    const auto found = body.find(key);
    return found != body.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Splits programArgs at blanks; quotes hold together.
std::vector<std::string> split_arguments(const std::string& text) {
    std::vector<std::string> out;
    std::string current;
    char quote = 0;
    bool any = false;
    for (const char c : text) {
        if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                current += c;
        } else if (c == '"' || c == '\'') {
            quote = c;
            any = true;
        } else if (c == ' ') {
            if (any || !current.empty()) out.push_back(std::exchange(current, {}));
            any = false;
        } else {
            current += c;
        }
    }
    if (any || !current.empty()) out.push_back(current);
    return out;
}

}  // namespace

HttpResponse Rest::handle(const HttpRequest& request) {
    try {
        return route(request);
    } catch (const Refusal& refusal) {
        return {refusal.status, dump({{"errors", {refusal.message}}}), "application/json", {}};
    } catch (const json::exception& error) {
        return {400, dump({{"errors", {fmt::format("Bad request: {}", error.what())}}}), "application/json", {}};
    } catch (const std::exception& error) {
        return {
            500, dump({{"errors", {fmt::format("Internal server error: {}", error.what())}}}), "application/json", {}};
    }
}

HttpResponse Rest::route(const HttpRequest& request) {
    if (request.method == "GET") {
        if (auto text = log_of(request.segments)) {
            const bool list = request.segments.back() == "logs";
            return {200, *std::move(text), list ? "application/json" : "application/octet-stream", {}};
        }
        return {200, dump(get(request)), "application/json", {}};
    }
    if (request.method == "PUT") return {200, dump(put(request)), "application/json", {}};
    if (request.method == "POST" || request.method == "PATCH" || request.method == "DELETE") {
        const bool later = request.method == "PATCH" || (request.segments.size() == 3 && request.segments[0] == "jobs");
        return {later ? 202 : 200, dump(post(request)), "application/json", {}};
    }
    throw Refusal{405, "Method not allowed."};
}

Job& Rest::job(const std::string& id) const {
    const auto found = manager_.jobs_.find(id);
    if (found == manager_.jobs_.end())
        throw Refusal{404, "org.apache.flink.runtime.rest.NotFoundException: Job " + id + " not found"};
    return *found->second;
}

std::string Rest::new_id(std::string_view what) {
    return hash_id(fmt::format("{} {} {}", what, unix_ms_now(), manager_.next_number_++));
}

json Rest::get(const HttpRequest& request) {
    const auto& path = request.segments;
    if (path.size() == 3 && path[0] == "taskmanagers" && path[2] == "thread-dump") return thread_dump(path[1]);
    const JobManager::Lock lock(manager_.mutex_);
    const std::string head = path.empty() ? "" : path[0];
    if (head == "overview" && path.size() == 1) return overview();
    if (head == "config" && path.size() == 1)
        return {
            {"refresh-interval", 3000},
            {"timezone-name", "Coordinated Universal Time"},
            {"timezone-offset", 0},
            {"flink-version", version},
            {"flink-revision", commit},
            {"features", {{"web-submit", true}, {"web-cancel", true}, {"web-rescale", false}, {"web-history", false}}}};
    if (head == "jobmanager" && path.size() == 2 && path[1] == "config") {
        json all = json::array();
        auto settings = manager_.options_.settings;
        settings["web.tmpdir"] = manager_.web_folder_;
        for (const auto& [key, value] : settings) all.push_back({{"key", key}, {"value", value}});
        return all;
    }
    if (head == "jars" && path.size() == 1) {
        json files = json::array();
        for (const auto& [id, jar] : manager_.jars_)
            files.push_back({{"id", id},
                             {"name", jar.at("name")},
                             {"uploaded", jar.at("uploaded")},
                             {"entry", json::array({{{"name", "medic_flow_job"}, {"description", nullptr}}})}});
        return {{"address", "http://127.0.0.1:" + std::to_string(manager_.rest_port())}, {"files", files}};
    }
    if (head == "taskmanagers" && path.size() == 1) {
        json all = json::array();
        for (const auto& [id, manager] : manager_.task_managers_) all.push_back(task_manager(manager, false));
        return {{"taskmanagers", all}};
    }
    if (head == "taskmanagers") {
        const auto found = manager_.task_managers_.find(path[1]);
        if (found == manager_.task_managers_.end())
            throw Refusal{
                404,
                "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not find TaskExecutor " + path[1]};
        if (path.size() == 2) return task_manager(found->second, true);
        if (path.size() == 3 && path[2] == "metrics") {
            const auto& values = found->second.process_metrics;
            std::vector<std::string> names;
            for (const auto& [name, value] : values) names.push_back(name);
            return metrics(names, request, [&](const std::string& name) -> std::optional<std::string> {
                const auto value = values.find(name);
                if (value == values.end()) return std::nullopt;
                return fmt::format("{}", value->second);
            });
        }
    }
    if (head == "jobs" && path.size() == 1) {
        json all = json::array();
        for (const auto& [id, j] : manager_.jobs_) all.push_back({{"id", id}, {"status", to_string(j->state)}});
        return {{"jobs", all}};
    }
    if (head == "jobs" && path.size() == 2 && path[1] == "overview") return jobs_overview();
    if (head == "jobs") return get_job(request, job(path[1]));
    throw Refusal{404, "Not found: " + request.path};
}

json Rest::overview() const {
    int slots = 0, used = 0, running = 0, finished = 0, cancelled = 0, failed = 0;
    for (const auto& [id, manager] : manager_.task_managers_) {
        slots += manager.slots;
        used += manager_.used_slots(id);
    }
    for (const auto& [id, j] : manager_.jobs_) {
        if (j->state == JobState::finished)
            ++finished;
        else if (j->state == JobState::canceled)
            ++cancelled;
        else if (j->state == JobState::failed)
            ++failed;
        else
            ++running;  // Flink counts every job that is not at its end.
    }
    return {{"taskmanagers", manager_.task_managers_.size()},
            {"slots-total", slots},
            {"slots-available", slots - used},
            {"jobs-running", running},
            {"jobs-finished", finished},
            {"jobs-cancelled", cancelled},
            {"jobs-failed", failed},
            {"flink-version", version},
            {"flink-commit", commit}};
}

json Rest::task_manager(const RegisteredTaskManager& manager, bool detailed) const {
    const int free = manager.slots - manager_.used_slots(manager.id);
    json out = {{"id", manager.id},
                {"path", fmt::format("tcp://{}:{}", manager.host, manager.data_port)},
                {"dataPort", manager.data_port},
                {"jmxPort", -1},
                {"timeSinceLastHeartbeat", manager.last_heartbeat_ms},
                {"slotsNumber", manager.slots},
                {"freeSlots", free},
                {"hardware", manager.hardware}};
    if (!detailed) return out;
    out["allocatedSlots"] = json::array();
    for (const auto& [id, j] : manager_.jobs_)
        for (const std::string& holder : j->slot_holders)
            if (holder == manager.id && j->holding.contains(manager.id))
                out["allocatedSlots"].push_back({{"jobId", id}});
    json& metrics = out["metrics"] = json::object();
    for (const auto& [key, name] : {std::pair{"Status.JVM.Memory.Heap.Used", "heapUsed"},
                                    std::pair{"Status.JVM.Memory.Heap.Committed", "heapCommitted"}})
        if (const auto value = manager.process_metrics.find(key); value != manager.process_metrics.end())
            metrics[name] = static_cast<std::int64_t>(value->second);
    return out;
}

json Rest::thread_dump(const std::string& resource_id) {
    constexpr std::chrono::seconds patience{10};  // pekko.ask.timeout
    std::unique_lock lock(manager_.mutex_);
    const auto found = manager_.task_managers_.find(resource_id);
    if (found == manager_.task_managers_.end()) throw Refusal{404, "Could not find TaskExecutor " + resource_id};
    const std::int64_t number = manager_.next_number_++;
    manager_.dumps_[number] = {};
    found->second.connection->send({{"type", "thread_dump"}, {"request", number}});
    const bool answered =
        manager_.dump_answered_.wait_for(lock, patience, [&] { return manager_.dumps_[number].answered; });
    json threads = std::move(manager_.dumps_[number].threads);
    manager_.dumps_.erase(number);
    if (!answered)
        throw Refusal{500, "org.apache.flink.runtime.rest.handler.RestHandlerException: Ask timed out: TaskExecutor " +
                               resource_id + " did not answer within 10 s"};
    return {{"threadInfos", threads}};
}

json Rest::metrics(const std::vector<std::string>& known, const HttpRequest& request,
                   const std::function<std::optional<std::string>(const std::string&)>& value) const {
    json out = json::array();
    const auto wanted = request.query_value("get");
    if (!wanted) {
        for (const std::string& name : known) out.push_back({{"id", name}});
        return out;
    }
    for (std::string_view left = *wanted; !left.empty();) {
        const std::string name(left.substr(0, left.find(',')));
        left.remove_prefix(std::min(left.size(), name.size() + 1));
        if (const auto found = value(name)) out.push_back({{"id", name}, {"value", *found}});
    }
    return out;
}

json Rest::post(const HttpRequest& request) {
    const auto& path = request.segments;
    if (request.method == "POST" && path.size() == 2 && path[0] == "jars" && path[1] == "upload")
        return upload(request);
    if (request.method == "POST" && path.size() == 3 && path[0] == "jars" && path[2] == "run") return run(request);
    if (request.method == "POST" && path.size() == 3 && path[0] == "jars" && path[2] == "plan")
        return plan_of_jar(request);
    const JobManager::Lock lock(manager_.mutex_);
    if (request.method == "DELETE" && path.size() == 2 && path[0] == "jars") {
        const auto jar = manager_.jars_.find(path[1]);
        if (jar == manager_.jars_.end()) throw Refusal{404, "File " + path[1] + " does not exist."};
        std::error_code ignored;
        fs::remove(jar->second.at("path").get<std::string>(), ignored);
        manager_.jars_.erase(jar);
        return json::object();
    }
    if (path.size() >= 2 && path[0] == "jobs") {
        Job& target = job(path[1]);
        if (request.method == "PATCH" && path.size() == 2) {
            if (request.query_value("mode").value_or("cancel") != "cancel")
                throw Refusal{400,
                              "The termination mode \"stop\" has been removed. For an ungraceful shutdown, please use "
                              "\"cancel\" instead."};
            manager_.cancel_job(target);
            return json::object();
        }
        if (request.method == "POST" && path.size() == 3 &&
            (path[2] == "savepoints" || path[2] == "stop" || path[2] == "checkpoints"))
            return savepoint(request, target);
    }
    throw Refusal{404, "Not found: " + request.path};
}

json Rest::upload(const HttpRequest& request) {
    const auto parts = parse_multipart(request);
    if (!parts) throw Refusal{400, "Exactly 1 file must be sent, as multipart/form-data: " + parts.error().message};
    for (const MultipartPart& part : *parts) {
        if (part.filename.empty()) continue;
        std::string name = fs::path(part.filename).filename().string();
        if (!name.ends_with(".so")) throw Refusal{400, "Only shared objects (.so) are allowed."};
        std::string id;
        {
            const JobManager::Lock lock(manager_.mutex_);
            id = new_id(name) + "_" + name;
        }
        const std::string file = manager_.options_.data_dir + "/jars/" + id;
        if (const auto written = write_durably(file, part.body); !written) throw Refusal{500, written.error().message};
        const JobManager::Lock lock(manager_.mutex_);
        manager_.jars_[id] = {{"name", name}, {"path", file}, {"uploaded", unix_ms_now()}};
        return {{"filename", file}, {"status", "success"}};
    }
    throw Refusal{400, "Exactly 1 file must be sent, received 0."};
}

RunRequest Rest::read_run(const HttpRequest& request) {
    const json body = body_of(request);
    if (!body.is_object()) throw Refusal{400, "Request did not match expected format JarRunRequestBody."};
    RunRequest run;
    {
        const JobManager::Lock lock(manager_.mutex_);
        const auto jar = manager_.jars_.find(request.segments[1]);
        if (jar == manager_.jars_.end())
            throw Refusal{400, "org.apache.flink.runtime.rest.handler.RestHandlerException: Jar file " +
                                   request.segments[1] + " does not exist"};
        run.artifact = jar->second.at("path").get<std::string>();
    }
    run.entry_class = text_of(body, "entryClass");
    if (run.entry_class.empty()) run.entry_class = request.query_value("entry-class").value_or("");
    run.savepoint_path = text_of(body, "savepointPath");
    if (run.savepoint_path.empty()) run.savepoint_path = request.query_value("savepointPath").value_or("");
    run.job_id = text_of(body, "jobId");
    if (const auto list = body.find("programArgsList"); list != body.end() && list->is_array())
        run.arguments = list->get<std::vector<std::string>>();
    else
        run.arguments = split_arguments(!text_of(body, "programArgs").empty()
                                            ? text_of(body, "programArgs")
                                            : std::string(request.query_value("program-args").value_or("")));
    if (const auto parallelism = body.find("parallelism");
        parallelism != body.end() && parallelism->is_number_integer())
        run.parallelism = parallelism->get<int>();
    else if (const auto given = request.query_value("parallelism"))
        run.parallelism = std::stoi(std::string(*given));
    if (body.value("allowNonRestoredState", false) || request.query_value("allowNonRestoredState") == "true")
        run.non_restored = NonRestored::allow;
    if (const auto settings = body.find("flinkConfiguration"); settings != body.end() && settings->is_object())
        for (const auto& [key, value] : settings->items())
            run.settings[key] = value.is_string() ? value.get<std::string>() : value.dump();
    return run;
}

json Rest::plan_of_jar(const HttpRequest& request) {
    const auto graph = manager_.describe_job(read_run(request));
    if (!graph)
        throw Refusal{400, "org.apache.flink.client.program.ProgramInvocationException: " + graph.error().message};
    return {{"plan", plan("", *graph)}};
}

json Rest::run(const HttpRequest& request) {
    const auto id = manager_.run_job(read_run(request));
    if (!id)
        throw Refusal{id.error().code == ErrorCode::internal ? 500 : 400,
                      "org.apache.flink.client.program.ProgramInvocationException: " + id.error().message};
    return {{"jobid", *id}};
}

json Rest::savepoint(const HttpRequest& request, Job& target) {
    const json body = body_of(request);
    if (!body.is_object()) throw Refusal{400, "Request did not match expected format."};
    const bool stop = request.segments[2] == "stop", plain_checkpoint = request.segments[2] == "checkpoints";
    if (target.phase != Phase::running || !target.all_running() || target.finishing)
        throw Refusal{
            409,
            "org.apache.flink.runtime.checkpoint.CheckpointException: Not all required tasks are currently running."};
    std::string directory = text_of(body, stop ? "targetDirectory" : "target-directory");
    if (directory.empty())
        directory =
            manager_.setting("execution.checkpointing.savepoint-dir", manager_.setting("state.savepoints.dir", ""));
    if (directory.empty() && !plain_checkpoint)
        throw Refusal{400,
                      "Config key [execution.checkpointing.savepoint-dir] is not set. Property [targetDirectory] must "
                      "be provided."};
    SavepointRequest wanted;
    wanted.trigger_id = text_of(body, "triggerId").empty() ? new_id("trigger") : text_of(body, "triggerId");
    wanted.folder = plain_checkpoint ? fmt::format("{}/{}/manual-{}", manager_.checkpoint_base(target), target.id,
                                                   wanted.trigger_id.substr(0, 12))
                                     : fmt::format("{}/savepoint-{}-{}", checkpoint_folder(directory),
                                                   target.id.substr(0, 6), wanted.trigger_id.substr(0, 12));
    if (stop) wanted.mode = body.value("drain", false) ? CheckpointMode::drain : CheckpointMode::stop;
    wanted.cancel_job = stop || body.value("cancel-job", false);
    manager_.operations_[wanted.trigger_id] = {};
    target.savepoint_requests.push_back(wanted);
    manager_.beat_job(target, unix_ms_now());
    return {{"request-id", wanted.trigger_id}};
}

json Rest::operation(const std::string& trigger_id) const {
    const auto found = manager_.operations_.find(trigger_id);
    if (found == manager_.operations_.end())
        throw Refusal{404, "There is no savepoint operation with triggerId=" + trigger_id};
    const AsyncOperation& done = found->second;
    if (!done.completed) return {{"status", {{"id", "IN_PROGRESS"}}}, {"operation", nullptr}};
    json result = json::object();
    if (done.failure.empty())
        result["location"] = done.location;
    else
        result["failure-cause"] = {{"class", done.failure.substr(0, done.failure.find(':'))},
                                   {"stack-trace", done.failure},
                                   {"serialized-throwable", ""}};
    return {{"status", {{"id", "COMPLETED"}}}, {"operation", result}};
}

}  // namespace medic::engine::flow
