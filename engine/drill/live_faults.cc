#include "engine/drill/live_faults.h"

#include <condition_variable>
#include <mutex>

#include "engine/common/rest_internal.h"
#include "engine/lab/processes.h"

namespace medic::engine::drill {

Status take_descriptors(const Platform& platform, const std::string& taskmanager) {
    MEDIC_TRY(const lab::LabState state, lab::load_state(platform.data_dir()));
    for (const auto& [name, process] : state.processes)
        if (process.standing == lab::Standing::spare && name != taskmanager)
            return lab::take_descriptors(platform.data_dir(), taskmanager, name);
    return fail(ErrorCode::not_ready, "no spare task manager shows how many descriptors an idle one has");
}

Result<Flapping> Flapping::start(const Platform& platform, Duration every) {
    const std::string url = fmt::format("http://127.0.0.1:{}/connectors/inventory-archive/config",
                                        platform.plan().only(lab::Role::connect_worker).ports.at("rest"));
    const auto put = [url, file = platform.data_dir() + "/archive.txt"](int polled) {
        return call_rest(json_call("PUT", url,
                                   {{"connector.class", "FileStreamSink"},
                                    {"tasks.max", "1"},
                                    {"topics", "inventory"},
                                    {"file", file},
                                    {"consumer.override.max.poll.records", std::to_string(polled)}}));
    };
    MEDIC_CHECK(put(100));
    return Flapping(std::jthread([put, every](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any asleep;
        std::unique_lock lock(mutex);
        for (int round = 1; !stop.stop_requested(); ++round) {
            asleep.wait_for(lock, stop, every, [] { return false; });
            if (!stop.stop_requested()) (void)put(round % 2 == 0 ? 100 : 200);
        }
    }));
}

}  // namespace medic::engine::drill
