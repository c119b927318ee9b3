#include "origin/content/content_store.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <openssl/evp.h>
#include <unistd.h>
#include <utility>
#include <zstd.h>

namespace tidemark::origin
{
namespace
{
constexpr int kLevel = 3;
constexpr std::size_t kBlockBytes = 128 * 1024;

ContentError error_of(int number) noexcept
{
    return number == ENOSPC || number == EDQUOT ? ContentError::no_space : ContentError::io;
}

class File
{
  public:
    explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
    ~File()
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] int take() noexcept { return std::exchange(descriptor_, -1); }

  private:
    int descriptor_;
};

bool write_all(int descriptor, ByteView bytes) noexcept
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync_directory(const std::string& path) noexcept
{
    const File directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return directory.is_open() && ::fsync(directory.descriptor()) == 0;
}

std::string hex_of(const purge::ContentDigest& digest)
{
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : digest) {
        text.push_back(kDigits[byte >> 4]);
        text.push_back(kDigits[byte & 15]);
    }
    return text;
}

// Packs what it is given into a file, with a checksum of zstd's own, and digests it.
class Packer
{
  public:
    explicit Packer(int out) : out_(out)
    {
        TIDEMARK_CHECK(zstd_ != nullptr && sha_ != nullptr);
        ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, kLevel);
        ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_checksumFlag, 1);
        TIDEMARK_CHECK(EVP_DigestInit_ex(sha_.get(), EVP_sha256(), nullptr) == 1);
    }
    // False: errno says why.
    [[nodiscard]] bool add(ByteView bytes)
    {
        content_bytes_ += bytes.size();
        TIDEMARK_CHECK(EVP_DigestUpdate(sha_.get(), bytes.data(), bytes.size()) == 1);
        return pack(bytes, ZSTD_e_continue);
    }
    [[nodiscard]] bool end() { return pack({}, ZSTD_e_end); }
    [[nodiscard]] StagedContent result()
    {
        StagedContent content;
        content.content_bytes = content_bytes_;
        content.packed_bytes = packed_bytes_;
        TIDEMARK_CHECK(EVP_DigestFinal_ex(sha_.get(), content.digest.data(), nullptr) == 1);
        return content;
    }

  private:
    [[nodiscard]] bool pack(ByteView bytes, ZSTD_EndDirective mode)
    {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        for (;;) {
            ZSTD_outBuffer out{block_.data(), block_.size(), 0};
            const std::size_t left = ZSTD_compressStream2(zstd_.get(), &out, &in, mode);
            TIDEMARK_CHECK(ZSTD_isError(left) == 0); // memory is all it can lack
            packed_bytes_ += out.pos;
            if (!write_all(out_, {block_.data(), out.pos})) return false;
            if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size) return true;
        }
    }

    struct FreeContext {
        void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
        void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<ZSTD_CCtx, FreeContext> zstd_{ZSTD_createCCtx()};
    std::unique_ptr<EVP_MD_CTX, FreeContext> sha_{EVP_MD_CTX_new()};
    std::string block_ = std::string(kBlockBytes, '\0');
    int out_;
    std::uint64_t content_bytes_ = 0;
    std::uint64_t packed_bytes_ = 0;
};

// Reads `from` to its end.
bool add_file(Packer& packer, int from)
{
    std::string block(kBlockBytes, '\0');
    if (::lseek(from, 0, SEEK_SET) != 0) return false;
    for (;;) {
        const ssize_t got = ::read(from, block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0;
        if (!packer.add({block.data(), static_cast<std::size_t>(got)})) return false;
    }
}

// An upload's body, head in front, becomes DIR/<digest>.zst, durably. On any thread.
struct PackJob {
    std::string directory;
    std::string upload; // path of the body; removed
    int body;           // descriptor of the body; closed
    std::string head;
    Result<StagedContent, ContentError> result = fail(ContentError::io);
    int packed = -1; // descriptor of the result, which somebody may unlink meanwhile

    ~PackJob()
    {
        if (packed >= 0) ::close(packed);
    }
    void run()
    {
        const File source(body);
        const std::string path = upload + ".zst";
        result = pack(source, path);
        ::unlink(upload.c_str());
        if (!result) ::unlink(path.c_str());
    }

  private:
    [[nodiscard]] Result<StagedContent, ContentError> pack(const File& source,
                                                           const std::string& path)
    {
        File out(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (!out.is_open()) return fail(error_of(errno));
        Packer packer(out.descriptor());
        if (!packer.add(head) || !add_file(packer, source.descriptor()) || !packer.end() ||
            ::fsync(out.descriptor()) != 0)
            return fail(error_of(errno));
        const StagedContent content = packer.result();
        const std::string name = directory + "/" + hex_of(content.digest) + ".zst";
        if (::rename(path.c_str(), name.c_str()) != 0 || !sync_directory(directory))
            return fail(error_of(errno));
        packed = out.take();
        return content;
    }
};
} // namespace

std::string_view text_of(ContentError error) noexcept
{
    switch (error) {
    case ContentError::too_large:
        return "too large";
    case ContentError::no_space:
        return "no space left";
    case ContentError::io:
        break;
    }
    return "the disk fails";
}

struct ContentStore::Impl {
    struct Held {
        int descriptor = -1;
        std::uint64_t packed_bytes = 0;
        std::size_t holds = 0;
    };
    Impl(net::Loop& loop, Options given) : options(std::move(given)), background(loop) {}
    ~Impl()
    {
        for (const auto& [digest, held] : contents)
            ::close(held.descriptor);
    }
    [[nodiscard]] std::string path_of(const purge::ContentDigest& digest) const
    {
        return options.directory + "/" + hex_of(digest) + ".zst";
    }
    [[nodiscard]] StagedContent hold(StagedContent content, PackJob& job)
    {
        Held& held = contents[content.digest];
        // What is held already goes on being read: a transfer may be in the middle of it.
        if (held.holds == 0) {
            held.descriptor = std::exchange(job.packed, -1);
            held.packed_bytes = content.packed_bytes;
        }
        ++held.holds;
        content.packed_bytes = held.packed_bytes;
        return content;
    }

    const Options options;
    std::map<purge::ContentDigest, Held> contents;
    std::uint64_t last_upload = 0;
    net::Background background;
};

Result<std::unique_ptr<ContentStore>, std::string> ContentStore::open(net::Loop& loop,
                                                                      Options options)
{
    namespace fs = std::filesystem;
    std::error_code error;
    fs::create_directories(options.directory, error);
    if (error) return fail(options.directory + ": " + error.message());
    fs::permissions(options.directory, fs::perms::owner_all, error);
    if (error) return fail(options.directory + ": " + error.message());
    for (fs::directory_iterator at(options.directory, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.ends_with(".zst") || name.starts_with("upload-")) ::unlink(at->path().c_str());
    }
    if (error) return fail(options.directory + ": " + error.message());
    return std::unique_ptr<ContentStore>(
        new ContentStore(std::make_unique<Impl>(loop, std::move(options))));
}

ContentStore::ContentStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ContentStore::~ContentStore() = default;

Result<std::unique_ptr<ContentStore::Upload>, ContentError> ContentStore::begin()
{
    std::string path = impl_->options.directory + "/upload-" + std::to_string(++impl_->last_upload);
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(error_of(errno));
    return std::unique_ptr<Upload>(new Upload(*this, std::move(path), descriptor));
}

Bytes ContentStore::read(const purge::ContentDigest& digest, std::uint64_t offset,
                         std::size_t bytes_max)
{
    const auto found = impl_->contents.find(digest);
    if (found == impl_->contents.end() || offset >= found->second.packed_bytes) return {};
    const auto left = found->second.packed_bytes - offset;
    Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes_max)), '\0');
    const ssize_t got =
        ::pread(found->second.descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
}

void ContentStore::release(const purge::ContentDigest& digest)
{
    const auto found = impl_->contents.find(digest);
    TIDEMARK_CHECK(found != impl_->contents.end());
    if (--found->second.holds > 0) return;
    ::close(found->second.descriptor);
    ::unlink(impl_->path_of(digest).c_str());
    impl_->contents.erase(found);
}

std::uint64_t ContentStore::packed_bytes() const noexcept
{
    std::uint64_t sum = 0;
    for (const auto& [digest, held] : impl_->contents)
        sum += held.packed_bytes;
    return sum;
}

ContentStore::Upload::Upload(ContentStore& store, std::string path, int descriptor)
    : store_(store), path_(std::move(path)), descriptor_(descriptor)
{
}

ContentStore::Upload::~Upload()
{
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
}

Result<void, ContentError> ContentStore::Upload::write(ByteView piece)
{
    TIDEMARK_CHECK(descriptor_ >= 0);
    const std::uint64_t left = store_.impl_->options.content_bytes_max - body_bytes_;
    if (piece.size() > left) return fail(ContentError::too_large);
    if (!write_all(descriptor_, piece)) return fail(error_of(errno));
    body_bytes_ += piece.size();
    return {};
}

void ContentStore::Upload::commit(std::string head, Done done)
{
    TIDEMARK_CHECK(descriptor_ >= 0);
    auto job = std::make_shared<PackJob>();
    job->directory = store_.impl_->options.directory;
    job->upload = path_;
    job->body = std::exchange(descriptor_, -1);
    job->head = std::move(head);
    store_.impl_->background.run([job] { job->run(); },
                                 [&impl = *store_.impl_, job, done = std::move(done)] {
                                     done(job->result.map([&](const StagedContent& content) {
                                         return impl.hold(content, *job);
                                     }));
                                 });
}
} // namespace tidemark::origin
