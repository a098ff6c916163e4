// One look at a target that answers over HTTP, without sockets: what to ask, what follows from an answer, and what it
// all meant. agent/daemon sends the asks through agent/world/real and hands the answers back on the ingest thread;
// tests hand in recorded ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/collectors/observation.h"

namespace medic {

// GET only: a collector cannot write.
struct HttpAsk {
    std::string url;
    std::string purpose;         // The collector's own note of what this answer will be.
    std::size_t bytes_max = 0;   // A longer answer is an error; 0: as the sender says.
    std::size_t tail_bytes = 0;  // Only so much of its end is handed over; 0: all.
    Duration timeout{0};         // An answer later than this is none; 0: as the sender says.
};

struct HttpAnswer {
    int status = 0;
    std::string content_type;
    std::string body;                  // Bounded by the sender; a longer one is an error.
    std::uint64_t left_out_bytes = 0;  // Before the body, as the ask said.
};

class HttpCollector {
public:
    HttpCollector() = default;
    HttpCollector(const HttpCollector&) = delete;
    HttpCollector& operator=(const HttpCollector&) = delete;
    virtual ~HttpCollector() = default;

    [[nodiscard]] virtual const std::string& target() const = 0;
    // Starts a look; what an unfinished one has gathered is dropped.
    [[nodiscard]] virtual std::vector<HttpAsk> begin(WallTime at) = 0;
    // Takes one answer (or why there was none) and returns the questions that follow from it.
    [[nodiscard]] virtual std::vector<HttpAsk> answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) = 0;
    // Called once when every ask has its answer.
    [[nodiscard]] virtual Observation finish() = 0;
};

}  // namespace medic
