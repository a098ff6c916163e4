#include "engine/common/symbols.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace medic::engine {
namespace {

struct Symbol {
    std::uintptr_t begin = 0, end = 0;  // Relative to where the object is loaded.
    std::string name;
};

// A file mapped for reading; empty when it cannot be.
class MappedFile {
public:
    explicit MappedFile(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        struct stat info{};
        if (::fstat(fd, &info) == 0 && info.st_size > 0) {
            void* at = ::mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
            if (at != MAP_FAILED) bytes_ = {static_cast<const char*>(at), static_cast<std::size_t>(info.st_size)};
        }
        ::close(fd);
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile() {
        if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    }
    // nullptr when the file is too short for it.
    template <class T>
    const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
        if (offset > bytes_.size() || count > (bytes_.size() - offset) / sizeof(T)) return nullptr;
        return reinterpret_cast<const T*>(bytes_.data() + offset);
    }

private:
    std::string_view bytes_;
};

std::vector<Symbol> read_symbols(const std::string& path) {
    std::vector<Symbol> symbols;
    const MappedFile file(path);
    const auto* header = file.at<Elf64_Ehdr>(0);
    if (!header || !std::equal(header->e_ident, header->e_ident + SELFMAG, ELFMAG)) return symbols;
    const auto* sections = file.at<Elf64_Shdr>(header->e_shoff, header->e_shnum);
    if (!sections) return symbols;
    for (int i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum) continue;
        const std::uint64_t count = sections[i].sh_size / sizeof(Elf64_Sym);
        const auto* table = file.at<Elf64_Sym>(sections[i].sh_offset, count);
        const Elf64_Shdr& names_at = sections[sections[i].sh_link];
        const auto* names = file.at<char>(names_at.sh_offset, names_at.sh_size);
        if (!table || !names) continue;
        for (std::uint64_t s = 0; s < count; ++s) {
            if (ELF64_ST_TYPE(table[s].st_info) != STT_FUNC || table[s].st_size == 0 ||
                table[s].st_name >= names_at.sh_size)
                continue;
            symbols.push_back({table[s].st_value, table[s].st_value + table[s].st_size, names + table[s].st_name});
        }
    }
    std::sort(symbols.begin(), symbols.end(), [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; });
    return symbols;
}

std::string find_symbol(const std::string& path, std::uintptr_t offset) {
    static std::mutex mutex;
    static std::map<std::string, std::vector<Symbol>> known;
    constexpr std::size_t objects_max = 16;
    const std::lock_guard lock(mutex);
    auto found = known.find(path);
    if (found == known.end()) {
        if (known.size() >= objects_max) known.clear();
        found = known.emplace(path, read_symbols(path)).first;
    }
    const auto& symbols = found->second;
    auto after = std::upper_bound(symbols.begin(), symbols.end(), offset,
                                  [](std::uintptr_t at, const Symbol& s) { return at < s.begin; });
    if (after == symbols.begin() || offset >= (--after)->end) return {};
    return after->name;
}

}  // namespace

std::string demangle(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                           &std::free);
    return status == 0 && text ? std::string(text.get()) : std::string(name);
}

std::string name_frame(const void* address) {
    Dl_info info{};
    if (dladdr(address, &info) == 0 || !info.dli_fname) return {};
    const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    const std::string_view file = info.dli_fname;
    std::string name = info.dli_sname
                           ? std::string(info.dli_sname)
                           : find_symbol(std::string(file.find('/') == file.npos ? "/proc/self/exe" : file), offset);
    if (name.empty()) return {};
    return fmt::format("{}({}+{:#x})", demangle(name.c_str()), file.substr(file.rfind('/') + 1), offset);
}

}  // namespace medic::engine
