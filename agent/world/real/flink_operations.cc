// Flink's REST API: cancel, stop with savepoint, upload and run, rescale in place.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/base/flink_state.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/url.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/operations_internal.h"

namespace medic::operations {

using Json = nlohmann::json;

namespace {

// How often a savepoint under way is asked about.
constexpr Duration savepoint_poll{250};
constexpr Duration trigger_takes_max{10'000};
constexpr Duration overview_timeout{5'000};
// What must be left for a start's last request: with less, nobody would wait for the job's main().
constexpr Duration run_takes_min{10'000};

FetchRequest request(const std::string& method, const std::string& url, const Json& body, Duration timeout) {
    FetchRequest out;
    out.method = method;
    out.url = url;
    out.timeout = timeout;
    if (!body.is_null()) {
        out.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
        out.headers = {{"Content-Type", "application/json"}};
    }
    return out;
}

// Calls `then` with the address of the Flink that knows the job. With one Flink there is nothing to find out. Only what
// all of them have answered is told as final: `silent` is one that did not say whether it knows the job.
void find_flink(const Doors& doors, const std::string& job_id, std::size_t index, Finish then,
                std::string silent = {}) {
    const auto& urls = doors.cluster.flink_urls;
    if (urls.empty()) return then(fail(ErrorCode::invalid, "the cluster has no Flink"));
    if (urls.size() == 1) return then(urls[0]);
    if (index >= urls.size() && !silent.empty())
        return then(
            fail(ErrorCode::unavailable, "which Flink knows job {} can't be told: {} does not say", job_id, silent));
    if (index >= urls.size()) return then(fail(ErrorCode::invalid, "no Flink of the cluster knows job {}", job_id));
    doors.fetch(request("GET", urls[index] + "/jobs/" + url_encode(job_id), nullptr, Duration{2'000}),
                [doors, job_id, index, then, silent](Result<FetchReply> reply) {
                    const std::string& url = doors.cluster.flink_urls[index];
                    if (reply && reply->status == 200) return then(url);
                    const bool denies = reply && reply->status == 404;
                    find_flink(doors, job_id, index + 1, then, denies ? silent : url);
                });
}

// What all requests of one operation share: once it has passed, whoever waits for it believes that nothing leaves any
// more.
class Deadline {
public:
    explicit Deadline(Duration timeout)
        : at_(read_clock().monotonic + timeout), kept_for_run_(std::min(run_takes_min, timeout / 4)) {}
    [[nodiscard]] Duration left() const { return at_ - read_clock().monotonic; }
    // For what comes before the run; 0: the run would not have its time any more.
    [[nodiscard]] Duration left_before_run() const { return std::max(left() - kept_for_run_, Duration{0}); }

private:
    Instant at_;
    Duration kept_for_run_;
};

struct Savepoint {
    std::string job_url, request_id;
    Deadline deadline;
};

void poll_savepoint(const Doors& doors, const Savepoint& savepoint, const Finish& done) {
    doors.fetch(request("GET", savepoint.job_url + "/savepoints/" + savepoint.request_id, nullptr, Duration{2'000}),
                [doors, savepoint, done](Result<FetchReply> reply) {
                    const Json body = reply && reply->status == 200 ? foreign_json(reply->body) : Json();
                    if (json_text(json_part(body, "status"), "id") == "COMPLETED") {
                        const Json& operation = json_part(body, "operation");
                        if (const std::string location = json_text(operation, "location"); !location.empty())
                            return done(location);
                        return done(fail(ErrorCode::not_ready, "the savepoint failed: {}",
                                         told(json_text(json_part(operation, "failure-cause"), "stack-trace"), 2'000)));
                    }
                    if (savepoint.deadline.left() < savepoint_poll)
                        return done(fail(ErrorCode::outcome_unknown, "the savepoint was not complete in time"));
                    doors.reactor.after(savepoint_poll,
                                        [doors, savepoint, done] { poll_savepoint(doors, savepoint, done); });
                });
}

std::unexpected<Error> no_time_left(const std::string& job) {
    return fail(ErrorCode::not_ready, "not sent: the upload took so long that no time is left to start {}", job);
}

void run_jar(const Doors& doors, const DeploymentDoor& door, const StartDeployment& what, const std::string& jar,
             Duration timeout, const Finish& done) {
    const auto& version = door.versions.at(what.version);
    Json body = {{"allowNonRestoredState", false}};
    if (!version.entry.empty()) body["entryClass"] = version.entry;
    if (!version.args.empty()) body["programArgsList"] = version.args;
    const int parallelism = what.parallelism > 0 ? what.parallelism : version.parallelism;
    if (parallelism > 0) body["parallelism"] = parallelism;
    if (!what.restore_from.empty()) body["savepointPath"] = what.restore_from;
    if (!what.settings.empty()) body["flinkConfiguration"] = what.settings;
    doors.fetch(request("POST", door.url + "/jars/" + url_encode(jar) + "/run", body, timeout),
                [done](Result<FetchReply> reply) {
                    auto good = accepted("/jars/run", std::move(reply));
                    if (!good) return done(std::unexpected(good.error()));
                    const std::string id = json_text(foreign_json(good->body), "jobid");
                    if (id.empty()) return done(fail(ErrorCode::outcome_unknown, "/jars/run answered without a jobid"));
                    done(id);
                });
}

// The last look before a start: somebody may have started the job while its artifact went up, and two copies write
// twice.
void unless_it_runs(const Doors& doors, const std::string& url, const std::string& job, Duration timeout,
                    const Finish& done, std::function<void()> start) {
    doors.fetch(request("GET", url + "/jobs/overview", nullptr, timeout),
                [job, done, start = std::move(start)](Result<FetchReply> reply) {
                    const Json body = reply && reply->status == 200 ? foreign_json(reply->body) : Json();
                    if (!body.is_object() || !body.contains("jobs") || !body["jobs"].is_array())
                        return done(fail(ErrorCode::unavailable,
                                         "/jobs/overview does not tell which jobs run: {} was not started", job));
                    for (const Json& one : body["jobs"])
                        if (json_text(one, "name") == job && !is_terminal_job_state(json_text(one, "state")))
                            return done(fail(ErrorCode::not_ready, "{} runs already, as {}: it was not started again",
                                             job, json_text(one, "jid")));
                    start();
                });
}

void upload_and_run(const Doors& doors, const DeploymentDoor& door, const StartDeployment& what, Duration timeout,
                    const Finish& done) {
    const Deadline deadline(timeout);
    FetchRequest upload;
    upload.method = "POST";
    upload.url = door.url + "/jars/upload";
    upload.upload_file = door.versions.at(what.version).artifact;
    upload.timeout = std::max(deadline.left_before_run(), Duration{1});
    doors.fetch(std::move(upload), [doors, &door, what, deadline, done](Result<FetchReply> reply) {
        auto good = accepted("/jars/upload", std::move(reply));
        // Uploading starts nothing: whatever happened to it, trying again later is safe.
        if (!good) return done(fail(ErrorCode::unavailable, "{}", good.error().message));
        const std::string path = json_text(foreign_json(good->body), "filename");
        if (path.empty()) return done(fail(ErrorCode::unavailable, "/jars/upload answered without a filename"));
        const Duration left = std::min(overview_timeout, deadline.left_before_run());
        if (left == Duration{0}) return done(no_time_left(what.job));
        unless_it_runs(doors, door.url, what.job, left, done, [=, &door] {
            if (deadline.left_before_run() == Duration{0}) return done(no_time_left(what.job));
            run_jar(doors, door, what, path.substr(path.find_last_of('/') + 1), deadline.left(), done);
        });
    });
}

// What a job manager says of a job's parallelism, with every vertex that is `from` wide made `to` wide (FLIP-291).
// nullopt: that was done before. Errors: outdated (none is either).
Result<std::optional<Json>> rescaled(const RescaleJob& what, const Result<FetchReply>& reply) {
    if (!reply) return fail(ErrorCode::unavailable, "resource requirements: {}", reply.error().message);
    Json all = foreign_json(reply->body);
    if (reply->status != 200)
        return fail(reply->status == 404 ? ErrorCode::outdated : ErrorCode::invalid,
                    "job {} can't be rescaled in place, which takes the adaptive scheduler: HTTP {}", what.job_id,
                    reply->status);
    bool any = false, done_before = false;
    for (auto vertex = all.begin(); all.is_object() && vertex != all.end(); ++vertex) {
        if (!vertex->is_object() || !vertex->contains("parallelism") || !(*vertex)["parallelism"].is_object()) continue;
        Json& parallelism = (*vertex)["parallelism"];
        const Json& upper = json_part(parallelism, "upperBound");
        done_before = done_before || upper == what.to;
        if (upper != what.from) continue;
        any = true;
        parallelism["upperBound"] = what.to;
        if (const Json& lower = json_part(parallelism, "lowerBound"); lower.is_number() && lower > what.to)
            parallelism["lowerBound"] = what.to;
    }
    if (any) return all;
    if (done_before) return std::nullopt;
    return fail(ErrorCode::outdated, "no vertex of job {} has parallelism {} any more", what.job_id, what.from);
}

}  // namespace

void cancel_job(const Doors& doors, const CancelJob& what, Duration timeout, Finish done) {
    find_flink(doors, what.job_id, 0, [doors, what, timeout, done](Result<std::string> url) {
        if (!url) return done(url);
        doors.fetch(request("PATCH", *url + "/jobs/" + url_encode(what.job_id) + "?mode=cancel", nullptr, timeout),
                    [done](Result<FetchReply> reply) {
                        auto good = accepted("cancel", std::move(reply));
                        if (!good) return done(std::unexpected(good.error()));
                        done("cancelling");
                    });
    });
}

void stop_with_savepoint(const Doors& doors, const StopJobWithSavepoint& what, Duration timeout, Finish done) {
    const Deadline deadline(timeout);
    find_flink(doors, what.job_id, 0, [doors, what, timeout, deadline, done](Result<std::string> url) {
        if (!url) return done(url);
        const std::string job_url = *url + "/jobs/" + url_encode(what.job_id);
        Json body = {{"drain", false}};
        if (!what.target_directory.empty()) body["targetDirectory"] = what.target_directory;
        // Flink answers the question itself at once and goes on with it; the rest of the time is for looking after it.
        const Duration asked = std::min(timeout / 2, trigger_takes_max);
        doors.fetch(request("POST", job_url + "/stop", body, asked), [doors, job_url, deadline,
                                                                      done](Result<FetchReply> reply) {
            auto good = accepted("stop with savepoint", std::move(reply));
            if (!good) return done(std::unexpected(good.error()));
            const std::string id = json_text(foreign_json(good->body), "request-id");
            if (id.empty())
                return done(fail(ErrorCode::outcome_unknown, "stop with savepoint: no request-id in the answer"));
            poll_savepoint(doors, {job_url, url_encode(id), deadline}, done);
        });
    });
}

void start_deployment(const Doors& doors, const StartDeployment& what, Duration timeout, Finish done) {
    const auto found = doors.cluster.deployments.find(what.job);
    if (found == doors.cluster.deployments.end())
        return done(fail(ErrorCode::invalid, "job {} has no deployment in the configuration", what.job));
    const DeploymentDoor& door = found->second;
    const auto version = door.versions.find(what.version);
    if (version == door.versions.end())
        return done(fail(ErrorCode::invalid, "job {}: version {} is not in the configuration", what.job, what.version));
    timeout = std::min(timeout, door.timeout.value_or(timeout));
    if (door.url.empty()) {
        const auto argv = door.commands.find("start");
        if (argv == door.commands.end())
            return done(fail(ErrorCode::invalid, "job {}: its driver has no `start`", what.job));
        const int parallelism = what.parallelism > 0 ? what.parallelism : version->second.parallelism;
        auto arguments = filled(argv->second, {{"job", what.job},
                                               {"version", what.version},
                                               {"artifact", version->second.artifact},
                                               {"entry", version->second.entry},
                                               {"restore_from", what.restore_from},
                                               {"fencing_token", std::to_string(doors.fencing_token)},
                                               {"parallelism", std::to_string(parallelism)}});
        if (!arguments) return done(std::unexpected(arguments.error()));
        // One that says that it failed may have handed the job over before it did: a second copy would write twice.
        return command(doors, *std::move(arguments), timeout, std::move(done), ErrorCode::outcome_unknown);
    }
    upload_and_run(doors, door, what, timeout, done);
}

void rescale_job(const Doors& doors, const RescaleJob& what, Duration timeout, Finish done) {
    find_flink(doors, what.job_id, 0, [doors, what, timeout, done](Result<std::string> url) {
        if (!url) return done(url);
        const std::string requirements = *url + "/jobs/" + url_encode(what.job_id) + "/resource-requirements";
        doors.fetch(request("GET", requirements, nullptr, timeout / 2), [doors, what, requirements, timeout,
                                                                         done](Result<FetchReply> reply) {
            auto changed = rescaled(what, reply);
            if (!changed) return done(std::unexpected(changed.error()));
            if (!*changed) return done("it has that parallelism already");
            doors.fetch(request("PUT", requirements, **changed, timeout / 2), [done](Result<FetchReply> answer) {
                auto good = accepted("rescale", std::move(answer));
                if (!good) return done(std::unexpected(good.error()));
                done("rescaling");
            });
        });
    });
}

}  // namespace medic::operations
