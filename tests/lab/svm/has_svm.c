// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lets kvm_amd load in the lab. QEMU emulates SVM, but the lab's CPUs say GenuineIntel, without which Linux shows
 * no SMT siblings and no constant TSC on them; kvm_amd asks for AMD's name in a function of its own, has_svm().
 * While kvm_amd is loaded this module answers for it: yes, if CPUID has the feature. To be loaded first.
 */
#include <linux/errno.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <asm/cpufeature.h>

static int answer(struct kretprobe_instance *call, struct pt_regs *regs)
{
	regs_set_return_value(regs, 1);
	return 0;
}
NOKPROBE_SYMBOL(answer);

/* Called once on each CPU, and again for each that comes online. */
static struct kretprobe probe = {
	.handler = answer,
	.kp.symbol_name = "has_svm",
	.maxactive = 2 * NR_CPUS < 128 ? 2 * NR_CPUS : 128,
};
static bool is_placed;

static void remove_probe(void)
{
	if (is_placed)
		unregister_kretprobe(&probe);
	is_placed = false;
	/* What is left of the last use would be refused by the next. */
	probe.kp.addr = NULL;
	probe.kp.flags = 0;
}

/* The function is there from COMING on, and the module's own start calls it after this. */
static int follow(struct notifier_block *block, unsigned long state, void *which)
{
	const struct module *module = which;
	int error;

	if (strcmp(module->name, "kvm_amd"))
		return NOTIFY_DONE;
	if (state == MODULE_STATE_COMING && !is_placed) {
		error = register_kretprobe(&probe);
		is_placed = !error;
		if (error)
			pr_err("has_svm: cannot probe kvm_amd: %d\n", error);
	} else if (state == MODULE_STATE_GOING) {
		remove_probe();
	}
	return NOTIFY_DONE;
}

static struct notifier_block follower = { .notifier_call = follow };

static int __init start(void)
{
	if (!boot_cpu_has(X86_FEATURE_SVM))
		return -ENODEV;
	return register_module_notifier(&follower);
}

static void __exit stop(void)
{
	unregister_module_notifier(&follower);
	remove_probe();
}

module_init(start);
module_exit(stop);
MODULE_DESCRIPTION("kvm_amd on an emulated CPU of another vendor");
MODULE_LICENSE("GPL");
