#include "agent/world/real/real_world.h"

#include <deque>
#include <set>

#include "agent/base/redact.h"
#include "agent/base/url.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/operations_internal.h"

namespace medic {

struct RealWorld::State : std::enable_shared_from_this<RealWorld::State> {
    State(Reactor& reactor_in, HttpFetcher& fetcher_in, std::map<std::string, ClusterDoors> doors_in,
          OnReply on_reply_in)
        : reactor(reactor_in), fetcher(fetcher_in), doors(std::move(doors_in)), on_reply(std::move(on_reply_in)) {}

    Reactor& reactor;
    HttpFetcher& fetcher;
    std::map<std::string, ClusterDoors> doors;
    std::map<std::string, KafkaDoor> kafka;
    OnReply on_reply;
    std::set<std::string> sent;
    std::deque<std::string> sent_order;

    // Keys of this process's life. Across restarts the journal keeps a key from being sent again.
    bool first_time(const std::string& key) {
        constexpr std::size_t keys_max = 10'000;
        if (!sent.insert(key).second) return false;
        sent_order.push_back(key);
        if (sent_order.size() > keys_max) {
            sent.erase(sent_order.front());
            sent_order.pop_front();
        }
        return true;
    }

    void start(const Operation& operation, Instant until);
    void dispatch(const Operation& operation, const operations::Doors& cluster, const operations::Finish& done);
};

void RealWorld::State::dispatch(const Operation& operation, const operations::Doors& cluster,
                                const operations::Finish& done) {
    using namespace operations;
    const Duration timeout = operation.timeout;
    const auto node = [&](const std::string& name, const char* action,
                          const std::map<std::string, std::string>& values = {}) {
        on_node(cluster, name, action, values, timeout, done);
    };
    const auto connect = [&](const char* method, const std::string& path) {
        connect_request(cluster, method, path, timeout, done);
    };
    const auto connector = [](const std::string& name) { return "/connectors/" + url_encode(name); };
    const auto flag = [](bool value) { return value ? "true" : "false"; };
    // What was uploaded for a question is removed also when its time is over; nothing that runs is changed by it.
    const auto without_end = [](Doors patient) {
        patient.until.reset();
        return patient;
    };
    std::visit(
        [&](const auto& body) {
            using T = std::decay_t<decltype(body)>;
            if constexpr (std::is_same_v<T, StartNode>)
                node(body.node, body.as_spare ? "start_spare" : "start");
            else if constexpr (std::is_same_v<T, StopNode>)
                node(body.node, "stop");
            else if constexpr (std::is_same_v<T, KillNode>)
                node(body.node, "kill");
            else if constexpr (std::is_same_v<T, KillConnectorTask>)
                node(body.node, "kill_task", {{"connector", body.connector}, {"task", std::to_string(body.task)}});
            else if constexpr (std::is_same_v<T, GrowStorage>)
                node(body.node, "grow", {{"log_dir", body.log_dir}, {"bytes", std::to_string(body.bytes)}});
            else if constexpr (std::is_same_v<T, RestartConnectorTask>)
                connect("POST", connector(body.connector) + "/tasks/" + std::to_string(body.task) + "/restart");
            else if constexpr (std::is_same_v<T, RestartConnector>)
                connect("POST", connector(body.connector) + "/restart?includeTasks=" + flag(body.include_tasks) +
                                    "&onlyFailed=" + flag(body.only_failed));
            else if constexpr (std::is_same_v<T, PauseConnector>)
                connect("PUT", connector(body.connector) + "/pause");
            else if constexpr (std::is_same_v<T, ResumeConnector>)
                connect("PUT", connector(body.connector) + "/resume");
            else if constexpr (std::is_same_v<T, StopConnector>)
                connect("PUT", connector(body.connector) + "/stop");
            else if constexpr (std::is_same_v<T, AlterConnectorOffset>)
                alter_connector_offset(cluster, body, timeout, done);
            else if constexpr (std::is_same_v<T, ChangeConnectorConfiguration>)
                change_connector(cluster, body, timeout, done);
            else if constexpr (std::is_same_v<T, CancelJob>)
                cancel_job(cluster, body, timeout, done);
            else if constexpr (std::is_same_v<T, StopJobWithSavepoint>)
                stop_with_savepoint(cluster, body, timeout, done);
            else if constexpr (std::is_same_v<T, VerifyDeployment>)
                verify_deployment(without_end(cluster), body, timeout, done);
            else if constexpr (std::is_same_v<T, StartDeployment>)
                start_deployment(cluster, body, timeout, done);
            else if constexpr (std::is_same_v<T, RescaleJob>)
                rescale_job(cluster, body, timeout, done);
            else {
                const auto door = kafka.find(operation.cluster);
                if (door == kafka.end())
                    return done(fail(ErrorCode::invalid, "cluster {} has no Kafka", operation.cluster));
                door->second(operation, [self = shared_from_this(), done](Result<std::string> result) {
                    self->reactor.post([done, result = std::move(result)] { done(result); });
                });
            }
        },
        operation.body);
}

namespace {

// Whoever answers may quote a login: replies go into the journal and to people. A savepoint's path is used as it
// stands.
Result<std::string> as_told(Result<std::string> result, bool is_path) {
    constexpr std::size_t detail_bytes_max = 64 * 1024;
    if (!result)
        result.error().message = redact(result.error().message);
    else
        *result = is_path ? result->substr(0, detail_bytes_max) : redact(*result, detail_bytes_max);
    return result;
}

}  // namespace

void RealWorld::State::start(const Operation& operation, Instant until) {
    if (!first_time(operation.key)) return;
    const bool tells_path = std::holds_alternative<StopJobWithSavepoint>(operation.body);
    auto done = [self = shared_from_this(), key = operation.key, tells_path,
                 finished = false](Result<std::string> result) mutable {
        if (std::exchange(finished, true)) return;
        self->on_reply({key, as_told(std::move(result), tells_path)});
    };
    // One shared state: whatever copies of `done` are made, the reply is given once.
    auto shared = std::make_shared<decltype(done)>(std::move(done));
    const operations::Finish finish = [shared](Result<std::string> result) { (*shared)(std::move(result)); };
    const auto found = doors.find(operation.cluster);
    if (found == doors.end())
        return finish(fail(ErrorCode::invalid, "cluster {} is not in the configuration", operation.cluster));
    if (read_clock().monotonic >= until)
        return finish(fail(ErrorCode::unavailable, "not sent: its time was over before it could begin"));
    // Nothing may stay without an answer, whatever the other side does.
    constexpr Duration grace{2'000};
    reactor.after(operation.timeout + grace, [finish, timeout = operation.timeout] {
        finish(fail(ErrorCode::outcome_unknown, "no answer within {} ms", timeout.count()));
    });
    dispatch(operation, {reactor, fetcher, found->second, operation.fencing_token, operation.key, until}, finish);
}

RealWorld::RealWorld(Reactor& reactor, HttpFetcher& fetcher, std::map<std::string, ClusterDoors> doors,
                     OnReply on_reply)
    : state_(std::make_shared<State>(reactor, fetcher, std::move(doors), std::move(on_reply))) {}
RealWorld::~RealWorld() = default;

void RealWorld::set_kafka(const std::string& cluster, KafkaDoor door) { state_->kafka[cluster] = std::move(door); }

void RealWorld::send(Operation operation) {
    const Instant until = read_clock().monotonic + operation.timeout;
    state_->reactor.post([state = state_, operation = std::move(operation), until] { state->start(operation, until); });
}

}  // namespace medic
