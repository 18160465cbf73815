// @ts-check
import { answer } from './answer.mjs';

/** @param {{ data: object }} job */
export default async (job) => answer(job.data);
