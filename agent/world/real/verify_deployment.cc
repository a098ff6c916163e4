// Asks the deployment driver about a version that is to be started: Flink's plan of it beside the running job, or the
// team's own `verify` command. What is uploaded for the plan is removed again.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/url.h"
#include "agent/world/real/deployment_check.h"
#include "agent/world/real/operations_internal.h"

namespace medic::operations {

using Json = nlohmann::json;

namespace {

constexpr Duration look_timeout{5'000};

struct Verification : std::enable_shared_from_this<Verification> {
    Verification(Doors doors_in, const DeploymentDoor& door_in, VerifyDeployment what_in, Duration timeout_in,
                 Finish done_in)
        : doors(std::move(doors_in)),
          door(door_in),
          what(std::move(what_in)),
          timeout(timeout_in),
          done(std::move(done_in)) {}

    const Doors doors;
    const DeploymentDoor& door;
    const VerifyDeployment what;
    const Duration timeout;
    const Finish done;
    DeploymentAnswers answers;
    std::string jar;

    void upload() {
        FetchRequest request;
        request.method = "POST";
        request.url = door.url + "/jars/upload";
        request.upload_file = door.versions.at(what.version).artifact;
        request.timeout = timeout;
        doors.fetch(std::move(request), [self = shared_from_this()](Result<FetchReply> reply) {
            auto good = accepted("/jars/upload", std::move(reply));
            // Nothing is started by it: asking again is safe.
            if (!good) return self->done(fail(ErrorCode::unavailable, "{}", good.error().message));
            const std::string path = json_text(foreign_json(good->body), "filename");
            if (path.empty())
                return self->done(fail(ErrorCode::unavailable, "/jars/upload answered without a filename"));
            self->jar = self->door.url + "/jars/" + url_encode(path.substr(path.find_last_of('/') + 1));
            self->make_plan();
        });
    }

    // Flink runs the program up to its execute() for it, so that what fails there fails here.
    void make_plan() {
        const auto& version = door.versions.at(what.version);
        Json body = Json::object();
        if (!version.entry.empty()) body["entryClass"] = version.entry;
        if (!version.args.empty()) body["programArgsList"] = version.args;
        if (version.parallelism > 0) body["parallelism"] = version.parallelism;
        FetchRequest request;
        request.method = "POST";
        request.url = jar + "/plan";
        request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
        request.headers = {{"Content-Type", "application/json"}};
        request.timeout = timeout;
        doors.fetch(std::move(request), [self = shared_from_this()](Result<FetchReply> reply) {
            self->remove_jar([self, reply = std::move(reply)] { self->take_plan(reply); });
        });
    }

    // Which version runs is told by what was uploaded before it: nothing may lie there that was not started.
    void remove_jar(std::function<void()> then) {
        FetchRequest request;
        request.method = "DELETE";
        request.url = jar;
        request.timeout = look_timeout;
        doors.fetch(std::move(request), [then = std::move(then)](const Result<FetchReply>&) { then(); });
    }

    void take_plan(const Result<FetchReply>& reply) {
        if (!reply) return done(fail(ErrorCode::unavailable, "/jars/plan: {}", reply.error().message));
        if (reply->status < 200 || reply->status >= 300)
            return done(fail(ErrorCode::invalid,
                             "not deployed, nothing was changed. Flink can't make a plan of version {}: HTTP status "
                             "{}: {}",
                             what.version, reply->status, told(reply->body)));
        answers.plan = reply->body;
        look_at_job();
    }

    void look_at_job() {
        const std::string job = "/jobs/" + url_encode(what.job_id);
        look(job, [self = shared_from_this(), job](std::string body) {
            self->answers.job = std::move(body);
            self->look(job + "/checkpoints", [self, job](const std::string& checkpoints) {
                const std::string number = newest_checkpoint_number(checkpoints);
                if (number.empty()) return self->look_at_slots();
                self->look(job + "/checkpoints/details/" + number, [self](std::string details) {
                    self->answers.checkpoint = std::move(details);
                    self->look_at_slots();
                });
            });
        });
    }

    void look_at_slots() {
        look("/overview", [self = shared_from_this()](std::string body) {
            self->answers.overview = std::move(body);
            self->done(judge_deployment(self->answers, self->what.accept));
        });
    }

    // What is not answered is not known, and told so.
    void look(const std::string& path, std::function<void(std::string)> then) {
        FetchRequest request;
        request.url = door.url + path;
        request.timeout = look_timeout;
        doors.fetch(std::move(request), [then = std::move(then)](Result<FetchReply> reply) {
            then(reply && reply->status == 200 ? std::move(reply->body) : std::string());
        });
    }
};

void ask_command(const Doors& doors, const DeploymentDoor& door, const VerifyDeployment& what, Duration timeout,
                 Finish done) {
    const auto argv = door.commands.find("verify");
    if (argv == door.commands.end()) {
        const std::string line = "plan: whether it loads and takes the state is not known: the driver has no `verify`";
        if (what.accept.contains("plan")) return done(line + " (accepted)");
        return done(fail(
            ErrorCode::invalid,
            "not deployed, nothing was changed. {}; if it may go on all the same, ask again and accept plan", line));
    }
    const auto& version = door.versions.at(what.version);
    auto arguments = filled(argv->second, {{"job", what.job},
                                           {"job_id", what.job_id},
                                           {"version", what.version},
                                           {"artifact", version.artifact},
                                           {"entry", version.entry},
                                           {"parallelism", std::to_string(version.parallelism)}});
    if (!arguments) return done(std::unexpected(arguments.error()));
    run_command(doors.reactor, {.argv = *std::move(arguments), .timeout = timeout},
                [version = what.version, done = std::move(done)](Result<CommandReply> reply) {
                    if (!reply) return done(std::unexpected(reply.error()));
                    if (reply->exit_code == 0) return done(std::move(reply->output));
                    const std::string& said = reply->errors.empty() ? reply->output : reply->errors;
                    done(fail(ErrorCode::invalid,
                              "not deployed, nothing was changed. The driver's `verify` refuses version {}: exit code "
                              "{}: {}",
                              version, reply->exit_code, told(said)));
                });
}

}  // namespace

void verify_deployment(const Doors& doors, const VerifyDeployment& what, Duration timeout, Finish done) {
    const auto door = doors.cluster.deployments.find(what.job);
    if (door == doors.cluster.deployments.end() || !door->second.versions.contains(what.version))
        return done(fail(ErrorCode::invalid, "job {}: version {} is not in the configuration", what.job, what.version));
    timeout = std::min(timeout, door->second.timeout.value_or(timeout));
    if (door->second.url.empty()) return ask_command(doors, door->second, what, timeout, std::move(done));
    std::make_shared<Verification>(doors, door->second, what, timeout, std::move(done))->upload();
}

}  // namespace medic::operations
