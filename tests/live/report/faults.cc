#include <algorithm>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/live/report/fault.h"

namespace medic::live {

std::function<Status(Site&)> switched(const std::string& name, bool on) {
    return [name, on](Site& site) { return site.fault(name, on); };
}

Status wait_until(std::chrono::seconds patience, const std::function<Status()>& holds) {
    constexpr auto look_again = std::chrono::milliseconds(100);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        const Status status = holds();
        if (status || std::chrono::steady_clock::now() >= deadline) return status;
        std::this_thread::sleep_for(look_again);
    }
}

Status is_taken(const Site& site, const std::string& fault, std::chrono::seconds patience) {
    return wait_until(patience, [&]() -> Status {
        if (std::filesystem::exists(site.data_dir() + "/faults/" + fault))
            return fail(ErrorCode::unavailable, "nothing has taken {}", fault);
        return {};
    });
}

std::vector<Fault> all_faults() {
    std::vector<Fault> all;
    for (const auto family : {job_faults, flink_node_faults, connect_faults, kafka_faults, deployment_faults}) {
        std::vector<Fault> faults = family();
        std::ranges::move(faults, std::back_inserter(all));
    }
    return all;
}

}  // namespace medic::live
