// Reads pages whose verdict is known: openmetrics_pages FOLDER…, where each sub-folder holds `metrics` and `test.json`
// with "shouldParse". Prints what is read but must be refused, and the other way round; -v prints every reason.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/collectors/page/page.h"

namespace {

std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

struct Nothing : medic::PageSink {
    void on_sample(const medic::PageSample&) override {}
};

}  // namespace

int main(int argc, char** argv) {
    bool verbose = false;
    std::size_t right = 0, wrong = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "-v") {
            verbose = true;
            continue;
        }
        std::vector<std::filesystem::path> folders;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) folders.push_back(entry.path());
        std::ranges::sort(folders);
        for (const auto& folder : folders) {
            const std::string verdict = content(folder / "test.json");
            if (verdict.empty()) continue;
            const bool expected = verdict.find("\"shouldParse\": true") != std::string::npos;
            Nothing sink;
            const auto summary = medic::PageParser({.format = medic::PageFormat::open_metrics, .strict = true})
                                     .parse(content(folder / "metrics"), sink);
            const std::string reason = summary.first_problem ? summary.first_problem->text() : "read";
            ++(summary.complete() == expected ? right : wrong);
            if (verbose || summary.complete() != expected)
                std::printf("%s %s: %s\n", summary.complete() == expected ? "right" : "WRONG",
                            folder.filename().c_str(), reason.c_str());
        }
    }
    std::printf("%zu right, %zu wrong\n", right, wrong);
    return wrong == 0 && right > 0 ? 0 : 1;
}
