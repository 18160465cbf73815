// @ts-check
import workerpool from 'workerpool';
import { answer } from './answer.mjs';

workerpool.worker({ answer });
