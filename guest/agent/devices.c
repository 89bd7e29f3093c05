#include "devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ANY UINT32_MAX
#define INSTRUCTIONS_MAX 128
#define REGISTER_TYPE BPF_REG_2
#define REGISTER_MAJOR BPF_REG_4
#define REGISTER_MINOR BPF_REG_5

/* Character devices that may be read and written. */
static const struct {
    uint32_t major, minor;
} allowed[] = {
    {1, 3},     /* null */
    {1, 5},     /* zero */
    {1, 7},     /* full */
    {1, 8},     /* random */
    {1, 9},     /* urandom */
    {5, 0},     /* tty */
    {5, 1},     /* console */
    {5, 2},     /* ptmx */
    {136, ANY}, /* pts */
};

struct program {
    struct bpf_insn instructions[INSTRUCTIONS_MAX];
    uint32_t count;
};

static void emit(struct program *program, struct bpf_insn instruction)
{
    program->instructions[program->count++] = instruction;
}

static void load(struct program *program, unsigned int target, size_t offset)
{
    emit(program, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = target & 15U, .src_reg = BPF_REG_1, .off = (int16_t)offset});
}

static void skip_unless(struct program *program, unsigned int reg, uint32_t value, int16_t skipped)
{
    emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = reg & 15U, .off = skipped, .imm = (int32_t)value});
}

static void give(struct program *program, int32_t answer)
{
    emit(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = answer});
    emit(program, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static void write_program(struct program *program)
{
    load(program, REGISTER_TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    load(program, REGISTER_MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    load(program, REGISTER_MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    /* access_type is access << 16 | type. Nothing but mknod is asked: yes. */
    emit(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_3, .src_reg = REGISTER_TYPE});
    emit(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_3, .imm = 16});
    skip_unless(program, BPF_REG_3, BPF_DEVCG_ACC_MKNOD, 2);
    give(program, 1);
    emit(program, (struct bpf_insn){.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = REGISTER_TYPE, .imm = 0xffff});
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        int16_t rest = allowed[i].minor == ANY ? 2 : 3;
        skip_unless(program, REGISTER_TYPE, BPF_DEVCG_DEV_CHAR, (int16_t)(rest + 1));
        skip_unless(program, REGISTER_MAJOR, allowed[i].major, rest);
        if (allowed[i].minor != ANY)
            skip_unless(program, REGISTER_MINOR, allowed[i].minor, 2);
        give(program, 1);
    }
    give(program, 0);
}

int devices_restrict(int cgroup)
{
    struct program program = {.count = 0};
    write_program(&program);
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)program.instructions;
    attributes.insn_cnt = program.count;
    attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
    int loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    if (loaded < 0)
        return errno;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)loaded;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    int error = syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes) == 0 ? 0 : errno;
    (void)close(loaded);
    return error;
}
