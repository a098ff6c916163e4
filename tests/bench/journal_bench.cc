// What it takes until an intent is durable: the journal's transaction beside the disk's own append and fdatasync, in
// turns, in the same folder. Usage: journal_bench [FOLDER] [ROUNDS]
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "remediations/journal/journal.h"

namespace medic {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t intent_bytes = 1'024;  // About what the rows of one intent hold.

double milliseconds(Clock::duration took) { return std::chrono::duration<double, std::milli>(took).count(); }

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}
double worst_percent(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() * 99 / 100];
}

// As the loop writes it: the incident's state, what was decided from what, and the attempt.
std::vector<JournalEntry> intent(int number) {
    const std::string id = fmt::format("I{}", number / 50 + 1), text(300, 'x');
    AttemptRow attempt;
    attempt.key = fmt::format("{}/1/{}", id, number);
    attempt.incident = id;
    attempt.cluster = "lab";
    attempt.remedy = "flink.replace-taskmanager";
    attempt.operation = "fence tm-2";
    attempt.state = "intended";
    IncidentRow incident;
    incident.id = id;
    incident.cluster = "lab";
    incident.detail = text;
    DecisionRow decision;
    decision.incident = id;
    decision.kind = "guards";
    decision.verdict = "permitted";
    decision.inputs = text;
    return {incident, decision, attempt};
}

int run(const std::string& folder, int rounds) {
    std::filesystem::create_directories(folder);
    const std::string raw_path = folder + "/raw", journal_path = folder + "/journal.db";
    const int raw = ::open(raw_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
    auto journal = Journal::open({.path = journal_path});
    if (raw < 0 || !journal) {
        std::fprintf(stderr, "%s: %s\n", folder.c_str(),
                     journal ? "no file can be made" : journal.error().message.c_str());
        return 1;
    }
    const std::string bytes(intent_bytes, 'r');
    std::vector<double> disk, ours;
    for (int i = 0; i < rounds; ++i) {
        const auto begin = Clock::now();
        if (::write(raw, bytes.data(), bytes.size()) < 0 || ::fdatasync(raw) != 0) return 1;
        const auto between = Clock::now();
        if (!(*journal)->append(intent(i)) || !(*journal)->flush().durable) return 1;
        disk.push_back(milliseconds(between - begin));
        ours.push_back(milliseconds(Clock::now() - between));
    }
    ::close(raw);
    std::printf("%d intents in %s\n", rounds, folder.c_str());
    std::printf("  append + fdatasync   median %.2f ms   99 %% within %.2f ms\n", median(disk), worst_percent(disk));
    std::printf("  journal              median %.2f ms   99 %% within %.2f ms\n", median(ours), worst_percent(ours));
    std::printf("  ratio of medians     %.2f\n", median(ours) / median(disk));
    return 0;
}

}  // namespace
}  // namespace medic

int main(int argc, char** argv) {
    char own[] = "/tmp/medic-journal-bench-XXXXXX";
    const std::string folder = argc > 1 ? argv[1] : ::mkdtemp(own);
    const int result = medic::run(folder, argc > 2 ? std::atoi(argv[2]) : 500);
    std::error_code ignored;
    if (argc <= 1) std::filesystem::remove_all(folder, ignored);
    return result;
}
